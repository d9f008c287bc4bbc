/** Where a bucket is, and who asks for it. */
export interface S3Options {
  bucket: string;
  region: string;
  /** Empty, or ends in `/`. */
  prefix: string;
  endpoint: string | undefined;
  /** Undefined: the standard AWS chain. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
}
