import { expect, test } from 'vitest'
import { isOurs } from '../../services/dashboard/hosts.ts'
import { exportCommand, suggestions } from '../../services/dashboard/public/commands.ts'
import {
  age,
  bytes,
  count,
  duration,
  percent,
  short,
} from '../../services/dashboard/public/words.ts'

test('numbers are short, and as exact as matters', () => {
  expect([0, 0.04, 3.25, 950, 9_999, 10_000, 12_345, 999_960, 4_560_000].map(short)).toEqual([
    '0',
    '0',
    '3.3',
    '950',
    '9,999',
    '10.0 k',
    '12.3 k',
    '1.00 M',
    '4.56 M',
  ])
  expect([0, 999, 1_000, 12_345, 6.5e9].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '12.3 kB',
    '6.50 GB',
  ])
  expect(
    [0, 12, 999.9, 1_000, 1_449, 34_000, 180_000, 20_000_000, 400_000_000].map(duration),
  ).toEqual(['0 ms', '12 ms', '1 s', '1 s', '1.4 s', '34 s', '3 min', '6 h', '5 days'])
  expect([1, 900, 1_200].map(age)).toEqual(['0.0 s', '0.9 s', '1.2 s'])
  expect([0, 0.00001, 0.005, 0.033, 0.5].map(percent)).toEqual([
    '0 %',
    '< 0.01 %',
    '0.50 %',
    '3.3 %',
    '50 %',
  ])
  expect([count(1, 'file'), count(2_000, 'file')]).toEqual(['1 file', '2,000 files'])
})

test('only names of this machine, and those that were allowed, are answered to', () => {
  const allowed = ['ingest.example', '']
  const yes = ['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '[::1]:8080', 'ingest.example:80']
  const no = [
    undefined,
    '',
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example:8080',
    'evil.example:127.0.0.1',
    '127.0.0.1@evil.example',
    '[::1',
    '0.0.0.0',
    ':8080',
    'a b',
  ]
  for (const host of yes) expect(isOurs(host, allowed), host).toBe(true)
  for (const host of no) expect(isOurs(host, allowed), host).toBe(false)
})

test('a command means the same in a shell as it says: nothing in it is the shell’s to change', () => {
  for (const by of ['npm', 'docker'] as const) {
    const setup = { by, user: 'myuser', database: 'ecommerce_db' }
    for (const { command } of suggestions(setup)) expect(command).not.toMatch(/[$`!\\\n]/)
    const exported = exportCommand(setup, 'bad_uuid', null)
    expect(exported).toContain('where e.resolved_at is null and')
    expect(exported.replace('"$(cat data/postgres/url)"', '').replace('"\\copy', '"')).not.toMatch(
      /[$`!\\\n]/,
    )
  }
})
