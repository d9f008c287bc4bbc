import { StagingBench } from '../../support/staging.ts';

/** What holds of small files holds of large ones, which are read in another way: the same tests again, with these. */
StagingBench.filesAreLarge = true;

await import('./agreement.test.ts');
await import('./staging.test.ts');
await import('./inferred.test.ts');
await import('./names.test.ts');
await import('./limits.test.ts');
await import('./together.test.ts');
