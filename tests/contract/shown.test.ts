import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shown } from '../../services/contract/shown.ts'

test('a shown text holds nothing that a terminal would act upon, and reads back as it was', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom(
        '\x1b',
        '\x7f',
        '\u009b',
        '\u202e',
        '\u2028',
        '\ufeff',
        '\ud800',
        'é',
        '"',
      ),
    }),
  )
  fc.assert(
    fc.property(text, text => {
      const said = shown(text, 1_000)
      expect(said).toMatch(/^"[^\p{C}\p{Zl}\p{Zp}]*"$/u)
      expect(JSON.parse(said)).toBe(text)
    }),
  )
})

test('a long text is cut and its length told', () => {
  expect(shown('x'.repeat(81))).toBe(`"${'x'.repeat(80)}"… (81 characters)`)
  expect(shown('😀'.repeat(50), 3)).toBe('"😀\\ud83d"… (100 characters)')
})
