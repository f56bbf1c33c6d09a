import { defineConfig } from 'oxlint'

const tests = ['**/*.test.ts', '**/*.contract.ts', '**/testing/**', 'test/**/*.ts']
const tools = ['scripts/**/*.ts', 'bench/**/*.ts', 'demo/**/*.ts']

/** Besides `correctness`, which is on as a whole: what else is wrong, or is not the one way to write it here. */
export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc'],
  jsPlugins: ['./scripts/house-rules.ts'],
  ignorePatterns: ['node_modules', 'var', 'coverage', 'examples', '**/*.mjs', '**/*.cjs'],
  options: {
    typeAware: true,
    typeCheck: true,
    denyWarnings: true,
    reportUnusedDisableDirectives: 'error',
    respectEslintDisableDirectives: false,
  },
  categories: { correctness: 'error' },
  rules: {
    // What is looked for here are control characters.
    'no-control-regex': 'off',
    // `then` says what comes next in a download; nobody waits for one of these.
    'unicorn/no-thenable': 'off',
    // Tables of a known length, which are filled right away.
    'unicorn/no-new-array': 'off',
    // `...['--name', name]` keeps together the words of a command that belong together.
    'unicorn/no-useless-spread': 'off',
    eqeqeq: 'error',
    'no-var': 'error',
    'no-array-constructor': 'error',
    'no-useless-constructor': 'error',
    'prefer-const': 'error',
    'prefer-rest-params': 'error',
    'prefer-spread': 'error',
    'typescript/ban-ts-comment': ['error', { minimumDescriptionLength: 10 }],
    'typescript/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
    // `() => stop()` is clear, and an arrow with braces around every such call is not clearer.
    'typescript/no-confusing-void-expression': [
      'error',
      { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
    ],
    'typescript/no-deprecated': 'error',
    'typescript/no-dynamic-delete': 'error',
    'typescript/no-empty-object-type': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-extraneous-class': 'error',
    'typescript/no-floating-promises': ['error', { ignoreVoid: false }],
    'typescript/no-generated-empty-object-type': 'error',
    'typescript/no-invalid-void-type': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-namespace': 'error',
    'typescript/no-non-null-asserted-nullish-coalescing': 'error',
    'typescript/no-require-imports': 'error',
    'typescript/no-unnecessary-boolean-literal-compare': 'error',
    'typescript/no-unnecessary-condition': 'error',
    'typescript/no-unnecessary-template-expression': 'error',
    'typescript/no-unnecessary-type-arguments': 'error',
    'typescript/no-unnecessary-type-assertion': 'error',
    'typescript/no-unnecessary-type-constraint': 'error',
    'typescript/no-unnecessary-type-conversion': 'error',
    'typescript/no-unnecessary-type-parameters': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/prefer-readonly': 'error',
    'typescript/prefer-reduce-type-parameter': 'error',
    'typescript/prefer-return-this-type': 'error',
    'typescript/related-getter-setter-pairs': 'error',
    'typescript/restrict-plus-operands': [
      'error',
      { allowAny: false, allowBoolean: false, allowNullish: false, allowNumberAndString: false, allowRegExp: false },
    ],
    // A number in a message reads the same however it is written, and so does true; of what may be missing, it says so.
    'typescript/restrict-template-expressions': ['error', { allowAny: false, allowRegExp: false }],
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
    ],
    'typescript/unified-signatures': 'error',
    'typescript/use-unknown-in-catch-callback-variable': 'error',
    'house/clock': 'error',
    'house/random': 'error',
    'house/environment': 'error',
    'house/shell': 'error',
    'house/default-export': 'error',
  },
  overrides: [
    {
      files: ['src/**/*.ts'],
      excludeFiles: ['**/*.test.ts', '**/*.contract.ts', '**/testing/**'],
      rules: {
        'max-lines': ['error', { max: 250 }],
        'max-lines-per-function': ['error', { max: 60 }],
        'max-params': ['error', { max: 4 }],
        complexity: ['error', { max: 15 }],
        'no-console': 'error',
      },
    },
    { files: ['src/core/clock.ts'], rules: { 'house/clock': 'off' } },
    { files: ['src/core/random.ts'], rules: { 'house/random': 'off' } },
    { files: ['src/app/**/*.ts'], rules: { 'house/environment': 'off' } },
    {
      files: [...tests, ...tools],
      rules: { 'house/clock': 'off', 'house/random': 'off', 'house/environment': 'off' },
    },
    {
      files: tests,
      rules: {
        // Fakes and matchers are written for reading.
        'typescript/no-unsafe-assignment': 'off',
        'typescript/unbound-method': 'off',
        // Both sides in the same order, whichever.
        'typescript/require-array-sort-compare': 'off',
      },
    },
    // What its tool reads through a default export.
    {
      files: ['*.config.ts', 'scripts/house-rules.ts'],
      rules: { 'house/default-export': 'off', 'house/environment': 'off' },
    },
  ],
})
