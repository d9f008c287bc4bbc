import { writeParsedCopy } from './parsed-copy.ts';

await writeParsedCopy();
