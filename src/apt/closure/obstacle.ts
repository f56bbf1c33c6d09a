/** Why the packages that one needs, each by its first choice, do not go together. */
export type Obstacle =
  | { kind: 'missing'; row: number; clause: number }
  /** `clause` of `row` rules out `other`; without a clause they are two versions of one name. */
  | { kind: 'conflict'; row: number; other: number; clause: number | undefined }

/** An obstacle with the chains of rows from a root to its ends. */
export interface FoundObstacle {
  found: Obstacle
  chains: number[][]
}
