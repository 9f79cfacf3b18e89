// The first version with a stable `node:sqlite`; `engines` in package.json has the same.
const OLDEST = { major: 24, minor: 15 };

/** Explains in one sentence that the program cannot run on this version of Node; undefined if it can. */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return undefined;
  const oldest = `${OLDEST.major}.${OLDEST.minor}`;
  return `linkgrant needs Node ${oldest} or newer, and this is ${version}; the single executable, the deb, the rpm and the image of linkgrant contain Node`;
}
