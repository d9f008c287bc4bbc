import { expect, test } from 'vitest';
import { isLoopback, isProtected, leadsToThisMachine } from '../../src/connectors/address.ts';

const ASAPP = new URL('https://api.asapp.com');
const HERE = new URL('https://127.0.0.1:8443');

test.each([
  'https://localhost/x',
  'https://storage.localhost/x',
  'http://127.0.0.1/x',
  'https://127.1/x',
  'https://2130706433/x',
  'https://[::1]/x',
  'https://[::ffff:127.0.0.1]/x',
])('a link to this machine is followed only from this machine: %s', (link) => {
  expect(isLoopback(new URL(link))).toBe(true);
  expect(leadsToThisMachine(new URL(link), ASAPP)).toBe(true);
  expect(leadsToThisMachine(new URL(link), HERE)).toBe(false);
});

test.each([
  'https://169.254.169.254/latest/meta-data',
  'https://[fe80::1]/x',
  'https://0.0.0.0/x',
  'https://[::]/x',
])('a link to %s is followed from nowhere', (link) => {
  expect(leadsToThisMachine(new URL(link), ASAPP)).toBe(true);
  expect(leadsToThisMachine(new URL(link), HERE)).toBe(true);
});

test.each(['https://bucket.s3.amazonaws.com/x', 'https://10.0.0.7/x', 'https://127.example.com/x'])(
  'a link to %s is followed',
  (link) => {
    expect(leadsToThisMachine(new URL(link), ASAPP)).toBe(false);
  },
);

test.each([
  ['http://127.0.0.1:9000', true],
  ['http://[::1]:9000', true],
  ['https://anywhere.example', true],
  ['http://anywhere.example', false],
  ['http://127.example.com', false],
  ['ftp://localhost', false],
])('%s keeps what is sent to it from others: %s', (url, expected) => {
  expect(isProtected(new URL(url))).toBe(expected);
});
