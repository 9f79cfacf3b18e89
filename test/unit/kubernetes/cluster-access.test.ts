import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { describe, expect, it } from 'vitest';
import {
  type Access,
  accessFrom,
  type PortableAccess,
  portableAccess,
} from '../../../src/platforms/kubernetes/api/cluster-access.js';

const SERVER = new URL('https://cluster.example:6443/behind');

function accessOf(agent: Access['agent']): Access {
  return { server: SERVER, agent, headers: { authorization: 'Bearer x' } };
}

describe('an access that goes to another thread', () => {
  it('says whom to trust and as whom to come, and leaves unsaid what is not said', () => {
    const agent = new HttpsAgent({ ca: Buffer.from('ca'), key: undefined, keepAlive: true });
    expect(portableAccess(accessOf(agent))).toEqual({
      server: SERVER.href,
      headers: { authorization: 'Bearer x' },
      tls: { ca: Buffer.from('ca') },
    });
    // Else what Node's environment says of certificates that nobody vouches for would not count.
    expect(Object.keys(portableAccess(accessOf(agent))?.tls ?? {})).toEqual(['ca']);
    const lax = new HttpsAgent({ rejectUnauthorized: false, servername: 'other.example' });
    expect(portableAccess(accessOf(lax))?.tls).toEqual({
      rejectUnauthorized: false,
      servername: 'other.example',
    });
    expect(portableAccess(accessOf(new HttpAgent()))?.tls).toEqual({});
  });

  it('does not go where a proxy is on the way', () => {
    class ProxyAgent extends HttpsAgent {}
    expect(portableAccess(accessOf(new ProxyAgent()))).toBeUndefined();
  });

  it('is asked for once in a while, and again when it is refused; connections last as long as the keys', async () => {
    const asked: boolean[] = [];
    let given: PortableAccess = { server: SERVER.href, headers: {}, tls: { ca: 'first' } };
    const access = accessFrom(async (again) => {
      asked.push(again);
      return structuredClone(given);
    });
    const first = await access.current();
    expect(first.server.href).toBe(SERVER.href);
    expect(await access.current()).toBe(first);
    const same = await access.current(true);
    expect(same.agent).toBe(first.agent);
    given = { ...given, tls: { ca: Buffer.from('second') } };
    const other = await access.current(true);
    expect(other.agent).not.toBe(first.agent);
    // Agents name connections by such options, as text, for each request: plain bytes would make a list of numbers of it.
    expect(`${(other.agent as HttpsAgent).options.ca}`).toBe('second');
    expect(asked).toEqual([false, true, true]);
    access.close();
  });
});
