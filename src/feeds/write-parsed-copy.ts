import { writeParsedCopy } from './bundled.ts';

await writeParsedCopy();
