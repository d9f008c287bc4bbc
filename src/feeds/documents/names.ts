/** Whether a file of this name is a schema document. */
export function isExportDocument(name: string): boolean {
  return /^export_docs\.(ya?ml|json)(\.gz)?$/i.test(name);
}
