export { ClauseEngine } from './clause-engine.ts'
