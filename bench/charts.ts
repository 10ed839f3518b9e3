import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { number } from './format.ts'
import type { Result } from './results.ts'
import { median } from './rounds.ts'

const OURS = '#1a7f64'
const THEIRS = '#9aa5b1'
const PEER = /^(psql|pgloader|pandas|Spark|Telegraf|COPY)/

/** A bar a side, its median written beside it, and a line from the least to the most. As SVG. */
export async function chart({ title, unit, sides }: Result): Promise<string> {
  const values = sides.map(({ name, samples }) => {
    const each = samples.map(({ value }) => value)
    const middle = median(each)
    return {
      ...{ name, middle, least: Math.min(...each), most: Math.max(...each) },
      label: `${number(middle)} ${unit}`,
      colour: PEER.test(name) ? THEIRS : OURS,
    }
  })
  const longest = Math.max(...values.map(({ most }) => most))
  const side = {
    field: 'name',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelLimit: 300 },
  } as const
  const spec: TopLevelSpec = {
    title: { text: plain(title), anchor: 'start' },
    background: 'white',
    padding: 12,
    width: 460,
    height: { step: 34 },
    data: { values },
    layer: [
      {
        mark: { type: 'bar', height: 20 },
        encoding: {
          y: side,
          x: {
            field: 'middle',
            type: 'quantitative',
            title: unit,
            scale: { domain: [0, longest * 1.2] },
          },
          color: { field: 'colour', type: 'nominal', scale: null },
        },
      },
      {
        mark: { type: 'rule', strokeWidth: 1.5 },
        encoding: {
          y: side,
          x: { field: 'least', type: 'quantitative' },
          x2: { field: 'most' },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 6 },
        encoding: {
          y: side,
          x: { field: 'most', type: 'quantitative' },
          text: { field: 'label', type: 'nominal' },
        },
      },
    ],
    config: { font: 'sans-serif', view: { stroke: null }, axis: { grid: false } },
  }
  const view = new View(parse(compile(spec).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return `${svg}\n`
}

function plain(markdown: string): string {
  return markdown.replaceAll('`', '')
}
