// The types of node-forge declare only the whole package. Importing `lib/asn1.js` alone makes each command start 20 ms earlier.
declare module 'node-forge/lib/asn1.js' {
  import { asn1 } from 'node-forge';
  export default asn1;
}
