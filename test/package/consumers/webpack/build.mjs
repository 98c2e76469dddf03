import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import webpack from 'webpack';

const folder = dirname(fileURLToPath(import.meta.url));
const compiler = webpack({
  mode: 'production',
  context: folder,
  entry: './main.js',
  output: { path: join(folder, 'dist'), filename: 'main.js' },
  optimization: { minimize: false }, // which takes half a minute over tfjs and has no say in what is dropped
  performance: { hints: false },
});
compiler.run((error, stats) => {
  if (error) throw error;
  console.log(stats.toString({ colors: false }));
  process.exitCode = stats.hasErrors() || stats.hasWarnings() ? 1 : 0;
});
