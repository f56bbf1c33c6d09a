import type { RuleTester } from 'oxlint/plugins-dev'

type Rule = Parameters<RuleTester['run']>[1]
type Visitor = ReturnType<NonNullable<Rule['create']>>

const clockHint = 'Time comes from a Clock that is handed in (core/clock.ts), so that tests can hold it.'

/**
 * What is handed in and never taken, and what has one way only, as rules `house/NAME` of oxlint. Each message says what
 * to use instead; oxlint.config.ts says where a rule does not hold.
 */
const rules: Record<string, Rule> = {
  clock: forbid({
    "CallExpression[callee.object.name='Date'][callee.property.name='now']": clockHint,
    "NewExpression[callee.name='Date'][arguments.length=0]": clockHint,
  }),
  random: forbid({
    "MemberExpression[object.name='Math'][property.name='random']":
      'Math.random is neither secret nor repeatable: randomBytes for tokens, a random source handed in for jitter.',
  }),
  environment: forbid({
    "MemberExpression[object.name='process'][property.name='env']":
      'Only app/ reads the environment; hand the value in.',
  }),
  shell: forbid({
    "Property[key.name='shell'][value.value=true]":
      'A value from outside is never a command: argument arrays, no shell.',
    'ImportDeclaration[source.value=/^(node:)?child_process$/] ImportSpecifier[imported.name=/^exec(Sync)?$/]':
      'exec builds a shell command: execFile or spawn with an argument array.',
  }),
  'default-export': forbid({
    ExportDefaultDeclaration: 'No default exports: one name for one thing everywhere.',
  }),
}

/** Selector, as ESLint’s → what is told of each node that it finds. */
function forbid(messages: Readonly<Record<string, string>>): Rule {
  return {
    create(context) {
      const visitor: Visitor = {}
      for (const [selector, message] of Object.entries(messages)) {
        visitor[selector] = (node) => context.report({ node, message })
      }
      return visitor
    },
  }
}

export default { meta: { name: 'house' }, rules }
