/** Three digits that mean something, thousands grouped. */
export function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
  return value.toFixed(digits)
}

export function shown(value: number, unit: string): string {
  if (unit === '') return number(value)
  return unit === 'times' ? `${number(value)} ×` : `${number(value)} ${unit}`
}

export function spread(min: number, max: number): string {
  return `(${number(min)}–${number(max)})`
}

/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
