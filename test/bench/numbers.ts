export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle];
  const low = sorted[sorted.length % 2 === 0 ? middle - 1 : middle];
  if (high === undefined || low === undefined) throw new Error('there is no median of nothing');
  return (low + high) / 2;
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
