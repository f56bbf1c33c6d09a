export { armorKeyring } from './armor-keyring.ts'
export { parseCleartext } from './cleartext.ts'
export { fingerprintOf, parseKeyring, restrictKeyring, unfoldArmor, type KeyFile, type Keyring } from './keyring.ts'
export { verifyCleartext, verifyDetached } from './verify-signature.ts'
