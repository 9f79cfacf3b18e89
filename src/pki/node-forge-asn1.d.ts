// Loading only this part of node-forge, for which its types have no declaration, makes each command start 20 ms earlier.
declare module 'node-forge/lib/asn1.js' {
  import { asn1 } from 'node-forge';
  export default asn1;
}
