import { expect, test } from 'vitest';
import { isExemptFromProxy } from '../../../src/client/route.js';

test.each([
  ['*', 'grants.example.com', 443],
  ['grants.example.com', 'GRANTS.example.com', 443],
  ['example.com', 'grants.example.com', 443],
  ['.example.com', 'grants.example.com', 443],
  ['*.example.com', 'grants.example.com', 443],
  ['other.com, grants.example.com:9090', 'grants.example.com', 9090],
  ['a.com b.com', 'b.com', 1],
  ['grants.example.com', 'grants.example.com.', 443],
  ['10.1.2.3', '10.1.2.3', 443],
  ['10.0.0.0/8', '10.1.2.3', 443],
  ['fd00::/8', 'fd12::1', 443],
  ['::1', '::1', 443],
  ['[::1]:9090', '::1', 9090],
])('NO_PROXY %s exempts %s port %i', (list, host, port) => {
  expect(isExemptFromProxy(list, host, port)).toBe(true);
});

test.each([
  ['', 'grants.example.com', 443],
  [' , ', 'grants.example.com', 443],
  ['grants.example.com:9090', 'grants.example.com', 443],
  ['example.com', 'badexample.com', 443],
  ['grants.example.com', 'example.com', 443],
  ['0.0.1', '10.0.0.1', 443],
  ['10.0.0.0/8', '11.1.2.3', 443],
  ['10.0.0.0/99', '10.1.2.3', 443],
  ['10.0.0.0/8', 'fd12::1', 443],
  ['10.0.0.0/8', 'ten.example.com', 443],
  ['[::1]:9090', '::1', 443],
  ['.', 'grants.example.com', 443],
])('NO_PROXY "%s" does not exempt %s port %i', (list, host, port) => {
  expect(isExemptFromProxy(list, host, port)).toBe(false);
});
