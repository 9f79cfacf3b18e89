import { describe, expect, it } from 'vitest';
import { maskStoreUrl, parseStoreUrl } from '../../../src/config/store-url.js';

describe('a store URL', () => {
  it('is parsed to a file, or to a database with servers, ports and parameters', () => {
    expect(parseStoreUrl('sqlite:/a b/c.db')).toEqual({ kind: 'sqlite', file: '/a b/c.db' });
    expect(parseStoreUrl('postgres://grants@db.example.com/links')).toEqual({
      kind: 'postgres',
      hosts: [{ host: 'db.example.com', port: 5432 }],
      database: 'links',
      user: 'grants',
      sslMode: 'verify-full',
    });
    expect(
      parseStoreUrl(
        'postgresql://u:p%40ss@a:1,[2001:db8::1]:2,[::1]/d%2Fb?sslmode=verify-ca&sslrootcert=/ca.pem&passfile=/p&options=-c%20a%3Db',
      ),
    ).toEqual({
      kind: 'postgres',
      hosts: [
        { host: 'a', port: 1 },
        { host: '2001:db8::1', port: 2 },
        { host: '::1', port: 5432 },
      ],
      database: 'd/b',
      user: 'u',
      password: 'p@ss',
      sslMode: 'verify-ca',
      sslrootcert: '/ca.pem',
      passfile: '/p',
      options: '-c a=b',
    });
  });

  it.each([
    ['postgres://u@127.0.0.1/d', 'disable'],
    ['postgres://u@localhost/d', 'disable'],
    ['postgres://u@/d?host=/run/postgresql', 'disable'],
    ['postgres://u@127.0.0.1,192.0.2.1/d', 'verify-full'],
    ['postgres://u@192.0.2.1/d', 'verify-full'],
    ['postgres://u@192.0.2.1/d?sslmode=disable', 'disable'],
  ])('%s uses sslmode %s', (url, sslMode) => {
    expect(parseStoreUrl(url)).toMatchObject({ sslMode });
  });

  it.each([
    ...['linkgrant.db', 'sqlite:', 'mysql://h/d', 'postgres://', 'postgres:///d'],
    ...['postgres://h:0/d', 'postgres://h:65536/d', 'postgres://h,,i/d', 'postgres://u@h@i/d'],
    ...['postgres://u@h/d/e', 'postgres://u@h/%zz'],
    ...['postgres://u@h/d?sslmode=prefer', 'postgres://u@h/d?password=x'],
  ])('cannot be %s', (text) => {
    expect(parseStoreUrl(text)).toBeUndefined();
  });

  it.each([
    ['postgres://u:secret@h/d', 'postgres://u:***@h/d'],
    ['postgres://u:se@cr:et/@h/d', 'postgres://u:***@h/d'],
    ['postgres://:secret@h/d', 'postgres://:***@h/d'],
    ['postgres://u@h/d?password=secret&sslmode=disable', 'postgres://u@h/d?password=***&sslmode=disable'],
    ['postgres://u@h:5/d', 'postgres://u@h:5/d'],
    ['sqlite:/a:b@c', 'sqlite:/a:b@c'],
  ])('%s is shown as %s', (text, shown) => {
    expect(maskStoreUrl(text)).toBe(shown);
  });
});
