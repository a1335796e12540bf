package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/store/sqlite"
)

// TestPragmas opens many connections and looks at each.
func TestPragmas(t *testing.T) {
	t.Parallel()
	const n = 20
	db := open(t, t.TempDir(), sqlite.Options{Readers: n})
	want := map[string]string{
		"journal_mode": "wal", "synchronous": "2", "fullfsync": "1", "foreign_keys": "1",
		"busy_timeout": "5000", "temp_store": "2", "query_only": "1", "cache_size": "-8192",
	}
	for range n {
		c, err := db.Readers().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }() // all are open at once
		for name, value := range want {
			var got string
			if err := c.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != value {
				t.Errorf("a connection has %s=%s: %v", name, got, err)
			}
		}
		if _, err := c.ExecContext(t.Context(), "DELETE FROM documents"); err == nil {
			t.Error("a reader has written")
		}
	}
}

// TestPragmaRefused shows that a connection on which a pragma does not hold is an
// error.
func TestPragmaRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := sqlite.ApplyPragma(t.Context(), path, "synchronous", "FULL", "2"); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"synchronous", "NORMAL", "2"},
		{"synchronous", "", "3"},
		{"journal_mode", "DELETE", "wal"},
		{"no_such_pragma", "1", "1"},
	} {
		if err := sqlite.ApplyPragma(t.Context(), path, c[0], c[1], c[2]); err == nil || !strings.Contains(err.Error(), c[0]) {
			t.Errorf("%s=%s: %v", c[0], c[1], err)
		}
	}
}

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, statements ...string) string {
		path := filepath.Join(dir, name)
		pool, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = pool.Close() }()
		for _, s := range statements {
			if _, err := pool.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := open(t, dir, sqlite.Options{})
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, says string }{
		"nothing":       {"", "path"},
		"a directory":   {dir, "open"},
		"a text":        {text, "not a database"},
		"other tables":  {write("other.db", "CREATE TABLE t (x)"), "no store of ours"},
		"other program": {write("program.db", "PRAGMA application_id=7", "PRAGMA user_version=1"), "no store of ours"},
		"newer format":  {write("store.db", "PRAGMA user_version=99"), "format 99"},
	} {
		db, err := sqlite.Open(t.Context(), sqlite.Options{Path: c.path})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = db.Close()
		}
	}
	write("store.db", "PRAGMA user_version=1")
	open(t, dir, sqlite.Options{}) // nothing was done to it meanwhile
}

// TestOddPath opens a store whose path could be taken for options.
func TestOddPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b?mode=memory&x=%41#劳务")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db := open(t, dir, sqlite.Options{})
	if _, err := db.Append(t.Context(), store.Entry{Log: "l", ID: "1", At: start}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "store.db"))
	if err != nil || db.Path() != filepath.Join(dir, "store.db") {
		t.Fatal(db.Path(), err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v", info.Mode())
	}
}

// TestUndefined works with a collection that was not defined.
func TestUndefined(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), sqlite.Options{})
	if _, err := db.Get(t.Context(), "none", "a"); !fault.Is(err, fault.Internal) {
		t.Errorf("get: %v", err)
	}
	if err := db.Write(t.Context(), store.Write{Collection: "none", ID: "a"}); !fault.Is(err, fault.Internal) {
		t.Errorf("write: %v", err)
	}
	one := store.Definition{Collection: "one"}
	for range 2 {
		if err := db.Define(t.Context(), one); err != nil {
			t.Errorf("define: %v", err)
		}
	}
	one.Indexes = []store.IndexDef{{Name: "x"}}
	if err := db.Define(t.Context(), one); !fault.Is(err, fault.Internal) {
		t.Errorf("an index without keys: %v", err)
	}
}

// TestNothingLeft closes a store and looks for goroutines. It does not run
// beside others.
func TestNothingLeft(t *testing.T) {
	before := goleak.IgnoreCurrent()
	dir := t.TempDir()
	for range 2 {
		db := open(t, dir, sqlite.Options{Published: func(string, int64) {}})
		docs := openDocs(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if _, err := docs.Put(ctx, "a", command("c"), count("l", "")); err != nil {
			t.Fatal(err)
		}
		if _, err := docs.Find(ctx, store.Range{Index: "n"}); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal("closed again: ", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "store.db")}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
}
