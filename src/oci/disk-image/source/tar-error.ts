/** What is wrong with an archive; whoever knows which one it is says so. */
export class TarError extends Error {}
