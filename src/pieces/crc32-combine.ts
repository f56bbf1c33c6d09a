/**
 * CRC-32 (IEEE 802.3, as in gzip) of two pieces put together, from the CRCs of the pieces and the length of the
 * second: appending n bytes multiplies the first CRC by x^(8n) modulo the polynomial, over GF(2).
 * Polynomials are reflected: bit 31 is the coefficient of x^0.
 */
export function combineCrc32(first: number, second: number, secondLengthBytes: number): number {
  return (multiply(first, powerOfX(secondLengthBytes * 8)) ^ second) >>> 0
}

const polynomial = 0xedb88320
const one = 0x80000000

/** a · b mod polynomial. */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial
  }
  return product >>> 0
}

/** x^exponent mod polynomial, by squaring; exponents beyond 32 bits are fine. */
function powerOfX(exponent: number): number {
  let result = one
  let square = one >>> 1
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square)
    square = multiply(square, square)
  }
  return result
}
