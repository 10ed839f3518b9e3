/** Numbers as people read them. Used by the page and by the server's sentences alike. */

export function number(amount: number): string {
  return Math.round(amount).toLocaleString('en-US')
}

/** "1 file", "2,000 files" */
export function count(amount: number, noun: string): string {
  return `${number(amount)} ${noun}${Math.round(amount) === 1 ? '' : 's'}`
}

/** Few digits where they do not matter: 950, 12.3 k, 4.56 M. */
export function short(amount: number): string {
  if (amount < 10 && amount % 1 >= 0.05) return amount.toFixed(1)
  if (amount < 9_999.5) return number(amount)
  for (const [size, unit] of SIZES) {
    if (amount >= size * 0.99995) return `${threeDigits(amount / size)} ${unit}`
  }
  return number(amount)
}

const SIZES: readonly [number, string][] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
]

export function bytes(amount: number): string {
  if (amount < 1_000) return `${number(amount)} B`
  for (const [size, unit] of SIZES) {
    if (amount >= size) return `${threeDigits(amount / size)} ${unit}B`
  }
  return ''
}

function threeDigits(amount: number): string {
  return amount.toFixed(amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0)
}

/** "12 ms", "1.4 s", "34 s", "3 min", "5 h", "2 days" */
export function duration(ms: number): string {
  const s = ms / 1000
  if (s < 0.9995) return `${number(Math.max(0, ms))} ms`
  if (s < 9.95) return `${s.toFixed(1).replace('.0', '')} s`
  if (s < 119.5) return `${Math.round(s)} s`
  if (s < 7_200) return `${Math.round(s / 60)} min`
  if (s < 172_800) return `${Math.round(s / 3_600)} h`
  return `${number(s / 86_400)} days`
}

/** An age that is never given in milliseconds, so that it does not flicker. */
export function age(ms: number): string {
  return ms < 950 ? `${(Math.max(0, ms) / 1000).toFixed(1)} s` : duration(ms)
}

export function percent(share: number): string {
  const value = share * 100
  if (value === 0) return '0 %'
  if (value < 0.01) return '< 0.01 %'
  return `${value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)} %`
}
