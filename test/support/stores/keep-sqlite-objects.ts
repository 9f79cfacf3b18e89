import Database from 'better-sqlite3';

// Set-up of every test file. The driver's objects must not be collected (see src/stores/sqlite/connection.ts), nor those
// of the databases that tests open by themselves.
const kept: object[] = [];
const prototype = Database.prototype;
const { close, exec, prepare } = prototype;

function keepObjects(): void {
  prototype.prepare = function keepingPrepare(this: Database.Database, source: string) {
    kept.push(this);
    const statement = prepare.call(this, source);
    kept.push(statement);
    return statement;
  } as typeof prepare;
  prototype.exec = function keepingExec(this: Database.Database, source: string) {
    kept.push(this);
    return exec.call(this, source);
  };
  prototype.close = function keepingClose(this: Database.Database) {
    kept.push(this);
    return close.call(this);
  };
  prototype.pragma = function keepingPragma(this: Database.Database, source, options) {
    const statement = this.prepare(`PRAGMA ${source}`);
    if (!statement.reader) return statement.run();
    return options?.simple ? statement.pluck().get() : statement.all();
  };
}

// A process that runs several files sets up for each of them.
if (prepare.name !== 'keepingPrepare') keepObjects();
