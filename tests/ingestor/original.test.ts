import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { freshDatabase } from '../support/postgres.ts'
import { accounted, ingestOnce } from './once.ts'

// 60 files that the original's generator wrote, where they stand beside the project.
const ORIGINAL = new URL('../../../shared/data/original/', import.meta.url)
const FIXTURE = new URL('../fixtures/original/', import.meta.url)

const SUMS =
  'select count(*) as rows, sum(price) as price, count(distinct file_id) as files from user_activity'

test.each([
  ['a sample of the original', FIXTURE, { files: 2, rows: 8, price: '1993.15' }],
  ['all files of the original', ORIGINAL, { files: 60, rows: 4_556, price: '1161378.63' }],
] as const)(
  '%s loads row by row; dropped again under the same names, all of it is duplicate',
  async (what, folder, sums) => {
    if (!existsSync(folder)) {
      console.log(`skipped: ${what}: the files are not on this machine`)
      return
    }
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const drop = async () => {
      for (const name of readdirSync(folder))
        await folders.drop(name, readFileSync(new URL(name, folder)))
    }
    await drop()
    const first = await ingestOnce(database, folders)
    expect(first).toMatchObject({
      code: 0,
      summary: {
        files: { done: sums.files },
        rows: { read: sums.rows, loaded: sums.rows, duplicate: 0, rejected: 0 },
      },
    })
    expect(await database.query(SUMS)).toEqual([sums])
    expect(readdirSync(folders.archive)).toHaveLength(sums.files)

    await drop()
    const again = await ingestOnce(database, folders)
    expect(again).toMatchObject({
      code: 0,
      summary: {
        files: { done: sums.files },
        rows: { read: sums.rows, loaded: 0, duplicate: sums.rows, rejected: 0 },
      },
    })
    expect(await database.query(SUMS)).toEqual([sums])
    expect(readdirSync(folders.input)).toEqual([])
    expect(readdirSync(folders.archive)).toHaveLength(2 * sums.files)
    expect(await accounted(database)).toEqual([])
  },
)

test("the original's check of bad data: one row in, two rejected", async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await folders.drop(
    'bad_data.csv',
    `event_id,event_time,event_type,product_id,price,user_id,session_id
0b0e7a54-6c1c-4b0e-9a54-6c1c4b0e9a51,2026-01-02 07:15:22.123456,view,101,-50.0,1,sess1
0b0e7a54-6c1c-4b0e-9a54-6c1c4b0e9a52,2026-01-02 07:15:22.123456,unknown_event,102,20.0,2,sess2
0b0e7a54-6c1c-4b0e-9a54-6c1c4b0e9a53,2026-01-02 07:15:22.123456,purchase,103,30.0,3,sess3
`,
  )
  expect(await ingestOnce(database, folders, { args: ['--max-rejects', '1'] })).toMatchObject({
    code: 3,
  })
  expect(
    await database.query('select session_id, event_time::text, price from user_activity'),
  ).toEqual([{ session_id: 'sess3', event_time: '2026-01-02 07:15:22.123456+00', price: '30.00' }])
  expect(
    await database.query(
      'select line_no, reason, column_name from user_activity_errors order by line_no',
    ),
  ).toEqual([
    { line_no: 2, reason: 'out_of_range', column_name: 'price' },
    { line_no: 3, reason: 'unknown_event_type', column_name: 'event_type' },
  ])
})
