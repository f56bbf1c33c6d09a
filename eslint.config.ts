import type { Linter } from 'eslint'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/**
 * Invariants 6 and 7 of docs/design.md as syntax. Each message says what to use instead.
 * A flat config replaces a rule's options and never merges them, hence one list here and filters below.
 */
const effects = {
  clock: [
    {
      selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
      message: 'Time comes from a Clock that is handed in (core/clock.ts), so that tests can hold it.',
    },
    {
      selector: "NewExpression[callee.name='Date'][arguments.length=0]",
      message: 'Time comes from a Clock that is handed in (core/clock.ts), so that tests can hold it.',
    },
  ],
  random: [
    {
      selector: "MemberExpression[object.name='Math'][property.name='random']",
      message:
        'Math.random is neither secret nor repeatable: randomBytes for tokens, a random source handed in for jitter.',
    },
  ],
  environment: [
    {
      selector: "MemberExpression[object.name='process'][property.name='env']",
      message: 'Only app/ reads the environment; hand the value in.',
    },
  ],
  shell: [
    {
      selector: "Property[key.name='shell'][value.value=true]",
      message: 'A value from outside is never a command: argument arrays, no shell.',
    },
    {
      selector:
        'ImportDeclaration[source.value=/^(node:)?child_process$/] ImportSpecifier[imported.name=/^exec(Sync)?$/]',
      message: 'exec builds a shell command: execFile or spawn with an argument array.',
    },
    {
      selector: "ImportDeclaration[source.value='execa'] ImportSpecifier[imported.name=/^execaCommand/]",
      message: 'execaCommand splits a string into a command: execa with an argument array.',
    },
  ],
  modules: [
    { selector: 'ExportDefaultDeclaration', message: 'No default exports: one name for one thing everywhere.' },
  ],
}
type Effect = keyof typeof effects

function restrict(...allowed: Effect[]): Linter.RuleEntry {
  const kept = (Object.keys(effects) as Effect[]).filter((name) => !allowed.includes(name))
  return ['error', ...kept.flatMap((name) => effects[name])]
}

export default defineConfig(
  { ignores: ['node_modules/', 'var/', 'coverage/', 'web/', 'scripts/fixtures/', '**/*.mjs', '**/*.cjs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/prefer-readonly': 'error',
      // Hot loops over typed arrays know their bounds better than noUncheckedIndexedAccess does.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A number in a message reads the same however it is written.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => stop()` is clear, and an arrow with braces around every such call is not clearer.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // An implementation of an async interface may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // There are no enums: erasableSyntaxOnly refuses them. These would take a fifth of the time.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      eqeqeq: 'error',
      'no-restricted-syntax': restrict(),
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/*.contract.ts', '**/testing/**'],
    rules: {
      'max-lines': ['error', { max: 250 }],
      'max-lines-per-function': ['error', { max: 60 }],
      'max-params': ['error', { max: 4 }],
      complexity: ['error', { max: 15 }],
      'no-console': 'error',
    },
  },
  { files: ['src/core/clock.ts'], rules: { 'no-restricted-syntax': restrict('clock') } },
  { files: ['src/core/random.ts'], rules: { 'no-restricted-syntax': restrict('random') } },
  { files: ['src/app/**/*.ts'], rules: { 'no-restricted-syntax': restrict('environment') } },
  {
    files: [
      '**/*.test.ts',
      '**/*.contract.ts',
      '**/testing/**',
      'test/**/*.ts',
      'scripts/**/*.ts',
      'bench/**/*.ts',
      'demo/**/*.ts',
    ],
    rules: { 'no-restricted-syntax': restrict('clock', 'random', 'environment') },
  },
  {
    files: ['**/*.test.ts', '**/*.contract.ts', '**/testing/**', 'test/**/*.ts'],
    rules: {
      // Fakes and matchers are written for reading.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  // Configuration files are read by their tools through a default export.
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': restrict('modules', 'environment') } },
)
