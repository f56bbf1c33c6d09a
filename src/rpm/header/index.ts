export { readRpm, readRpmBytes, type RpmFile } from './read-rpm.ts'
export { rpmInMemory, rpmInStore, type RpmSource } from './rpm-source.ts'
export { toPackage } from './to-package.ts'
export { verifyRpm, type VerifiedRpm } from './verify-rpm.ts'
