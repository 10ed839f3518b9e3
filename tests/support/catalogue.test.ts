import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CATALOGUE, rowsOf, shortened } from './catalogue.ts'

test('a name claims the rows at its beginning, and the innermost name has the word', () => {
  expect(rowsOf(['42: a file that changes', 'when it is replaced'])).toEqual([42])
  expect(rowsOf(['42: a file that changes', '48: when it is deleted'])).toEqual([48])
  expect(rowsOf(['10, 41-43 and 50: all of it'])).toEqual([10, 41, 42, 43, 50])
  expect(rowsOf(['300 ms on the way', '2024 is a leap year'])).toEqual([])
})

test('rows in a row are shortened', () => {
  expect(shortened([1, 2, 3, 7, 9, 10])).toBe('1-3, 7, 9-10')
  expect(shortened([])).toBe('none')
})

test('docs/reliability.md has every row of the catalogue once, with tests that are there', () => {
  const page = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (\d+) \| ([^|]+) \| ([^|]+) \|/gm)]
  expect(rows.map(([, row, name]) => [row, name])).toEqual(Object.entries(CATALOGUE))
  const files = rows.flatMap(([, , , tests]) => tests!.match(/[\w./-]+\.test\.ts/g) ?? [''])
  expect(files.filter(file => !existsSync(new URL(`../${file}`, import.meta.url)))).toEqual([])
})
