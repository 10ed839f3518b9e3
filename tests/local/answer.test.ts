import { expect, test } from 'vitest'
import { type Answer, answerInText } from '../../services/local/answer.ts'

const answer = (rows: (string | null)[][]) =>
  ({ fields: [{ name: 'file_name' }, { name: 'n' }], rows, command: 'SELECT' }) as unknown as Answer

test('an answer is a table where it fits, and a list where it does not', () => {
  const rows = answer([
    ['a.csv', '1'],
    ['b.csv', null],
  ])
  expect(answerInText(rows, undefined)).toMatch(/│ b\.csv {5}│ {3}│\n.+\n2 rows$/)
  expect(answerInText(rows, 80)).toContain('│ a.csv     │ 1 │')
  expect(answerInText(rows, 10)).toBe(
    '── 1\nfile_name  a.csv\nn          1\n── 2\nfile_name  b.csv\nn          \n2 rows',
  )
})

test('an answer without columns is what the server said', () => {
  const done = { fields: [], rows: [], command: 'DELETE', rowCount: 3 } as unknown as Answer
  expect(answerInText(done, 80)).toBe('DELETE 3')
})
