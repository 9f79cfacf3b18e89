import { describe, expect, it } from 'vitest';
import { formatEndpoint, formatHostPort } from '../../../src/domain/host-port-text.js';

describe('the text of a host and a port', () => {
  it.each([
    ['router.example.com', 'router.example.com:55671'],
    ['192.0.2.1', '192.0.2.1:55671'],
    ['2001:db8::5', '[2001:db8::5]:55671'],
    ['[2001:db8::5]', '[2001:db8::5]:55671'],
    ['', ':55671'],
  ])('has an IPv6 address in brackets: %s', (host, text) => {
    expect(formatHostPort({ host, port: 55671 })).toBe(text);
    expect(formatEndpoint({ name: 'edge', host, port: '55671' })).toBe(`edge ${text}`);
  });
});
