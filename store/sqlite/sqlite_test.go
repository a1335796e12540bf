package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"hezuo/store"
	"hezuo/store/sqlite"
	"hezuo/store/storetest"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childEnv); mode != "" {
		os.Exit(child(mode))
	}
	os.Exit(m.Run())
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Backend{Open: func(t *testing.T, dir string) store.DB {
		t.Helper()
		return open(t, dir, sqlite.Options{})
	}})
}

// open opens the store under dir.
func open(t testing.TB, dir string, opts sqlite.Options) *sqlite.DB {
	t.Helper()
	opts.Path = filepath.Join(dir, "store.db")
	db, err := sqlite.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
