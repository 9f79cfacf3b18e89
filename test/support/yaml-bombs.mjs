// Texts that keep a YAML parser busy: a unit repeated to the requested length (PREFIXED: after a prefix), or generated lines.
const REPEATED = {
  'closing brackets': ']',
  'closing braces': '}',
  'opening brackets': '[',
  'opening braces': '{',
  'empty flow sequences': '[]',
  'empty flow mappings': '{}',
  'nested flow collections': '[{a: ',
  'brackets in wrong order': ']{',
  commas: ',',
  'commas on lines': ',\n',
  'commas between brackets': '],',
  colons: ':',
  'colons and spaces': ': ',
  'colons on lines': ':\n',
  'colons and tabs': ':\t',
  'dashes and spaces': '- ',
  'dashes on lines': '-\n',
  'dashes and tabs': '-\t',
  'indented dashes': ' -\n',
  'question marks and spaces': '? ',
  'question marks on lines': '?\n',
  'question marks and tabs': '?\t',
  'nested indicators': '- ? : ',
  'at signs on lines': '@\n',
  'at signs on indented lines': '  @\n',
  'grave accents on lines': '`\n',
  'percent signs on indented lines': ' %\n',
  'double quotes': '"',
  'single quotes': "'",
  'double quotes on lines': '"\n',
  'single quotes on lines': "'\n",
  'empty strings': '"" ',
  'empty strings on lines': "''\n",
  'quoted keys': '"a": b\n',
  'strings and colons': '"":',
  'literal block scalars': '|\n',
  'folded block scalars': '>\n',
  'block scalars with a wrong header': '|9x\n',
  'block scalars in a sequence': '- |+\n',
  'block scalars in a mapping': 'a: >-\n',
  anchors: '&a ',
  'anchors on lines': '&a\n',
  'anchored keys': '&a a: b\n',
  aliases: '*a ',
  'aliases on lines': '*a\n',
  'aliases in a sequence': '- *a\n',
  'local tags': '!a ',
  'core tags': '!!str ',
  'verbatim tags': '!<a> ',
  'tags on lines': '!!map\n',
  'tags and anchors': '!a &a ',
  newlines: '\n',
  'carriage returns': '\r',
  'carriage returns and newlines': '\r\n',
  'lines with one space': ' \n',
  'lines with one tab': '\t\n',
  comments: '#\n',
  'indented comments': '  #\n',
  'comments behind words': 'a #\n',
  'document starts': '---\n',
  'document starts on one line': '--- ',
  'document ends': '...\n',
  'documents with a word': '--- a\n',
  'documents with a comment': '---\n#\n',
  'mappings on one line': 'a: ',
  'the same key': 'a:\n',
  'the same key and value': 'a: b\n',
  'keys without a colon': '? a\n',
  'items of a sequence': '- a\n',
  'words on lines': 'a\n',
  'byte order marks': '\ufeff',
  'brackets, at signs and commas': ']@,\n',
};
const PREFIXED = {
  tabs: ['-', '\t'],
  'tabs and spaces': ['-', ' \t'],
  'commas in a flow sequence': ['[', ','],
  'words in a flow sequence': ['[', 'a,'],
  'pairs in a flow mapping': ['{', 'a: b,'],
  'question marks in a flow mapping': ['{', '? '],
  'comments in a flow sequence': ['[', '#\n'],
  'bad escapes in a string': ['a: "', '\\q'],
  'lines of a string': ["a: '", ' \n\n'],
  'lines of a folded block scalar': ['- >\n', ' a\n\n  b\n'],
};
const GENERATED = {
  'other keys': (index) => `k${index}: v\n`,
  'indentation that grows and shrinks': (index) => `${' '.repeat(index % 100)}a:\n`,
  'indentation of sequences': (index) => `${' '.repeat(100 - (index % 100))}-\n`,
};

function filled(prefix, unit, length) {
  return (prefix + unit.repeat(Math.ceil(length / unit.length))).slice(0, length);
}

function generated(line, length) {
  const lines = [];
  for (let size = 0, index = 0; size < length; index++) {
    lines.push(line(index));
    size += lines[index].length;
  }
  return lines.join('').slice(0, length);
}

/** The names of the 85 bombs. */
export const BOMB_NAMES = [REPEATED, PREFIXED, GENERATED].flatMap(Object.keys);

/** The bomb with this name, `length` characters long. */
export function yamlBomb(name, length) {
  if (name in GENERATED) return generated(GENERATED[name], length);
  const [prefix, unit] = PREFIXED[name] ?? ['', REPEATED[name]];
  return filled(prefix, unit, length);
}
