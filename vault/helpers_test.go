package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hezuo/store"
	"hezuo/store/sqlite"
)

// clock is a clock that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// masterKey gives a different valid master key for each name.
func masterKey(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:]
}

func fileKMS(t testing.TB, current string, older ...string) *FileKMS {
	t.Helper()
	var keys [][]byte
	for _, name := range older {
		keys = append(keys, masterKey(name))
	}
	k, err := NewFileKMS(masterKey(current), keys...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// countingKMS counts the calls of a real KMS, and can hold up Wrap.
type countingKMS struct {
	KMS
	wraps, unwraps atomic.Int64
	beforeWrap     func()
}

func (k *countingKMS) Wrap(ctx context.Context, dataKey, aad []byte) ([]byte, error) {
	k.wraps.Add(1)
	if k.beforeWrap != nil {
		k.beforeWrap()
	}
	return k.KMS.Wrap(ctx, dataKey, aad)
}

func (k *countingKMS) Unwrap(ctx context.Context, id string, wrapped, aad []byte) ([]byte, error) {
	k.unwraps.Add(1)
	return k.KMS.Unwrap(ctx, id, wrapped, aad)
}

// failingDB is a real store whose writes can be made to fail: before says what
// happens instead of a write, after what is answered once it has happened.
// beforeFind lets somebody else act first.
type failingDB struct {
	store.DB
	before, after func(store.Write) error
	beforeFind    func()
}

func (f *failingDB) Find(ctx context.Context, q store.Query) ([]store.Match, error) {
	if f.beforeFind != nil {
		f.beforeFind()
	}
	return f.DB.Find(ctx, q)
}

func (f *failingDB) Write(ctx context.Context, w store.Write) error {
	if f.before != nil {
		if err := f.before(w); err != nil {
			return err
		}
	}
	err := f.DB.Write(ctx, w)
	if err == nil && f.after != nil {
		err = f.after(w)
	}
	return err
}

// house is one node: a store with a clock, on which a test opens vaults.
type house struct {
	path  string
	db    store.DB
	clock *clock
}

// newHouse gives a node with an empty store.
func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{path: filepath.Join(t.TempDir(), "hezuo.db"), clock: newClock()}
	return h.another(t)
}

// another gives another node over the same store, with the same clock.
func (h *house) another(t testing.TB) *house {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: h.path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &house{path: h.path, db: db, clock: h.clock}
}

func (h *house) vault(t testing.TB, kms KMS) *Vault {
	t.Helper()
	v, err := New(t.Context(), Config{DB: h.db, KMS: kms, Now: h.clock.Now, Node: "node-1"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var commands atomic.Int64

// cmd gives a new command of an operator.
func (h *house) cmd() store.Command {
	return store.Command{ID: fmt.Sprintf("cmd-%d", commands.Add(1)), Actor: "operator-7", From: "session-9", At: h.clock.Now()}
}

// check proves the vault and its trails sound; every test of a flow ends so.
func (h *house) check(t testing.TB, v *Vault) store.Report {
	t.Helper()
	var report store.Report
	if err := v.Check(t.Context(), &report); err != nil {
		t.Fatal(err)
	}
	if err := store.CheckTrails(t.Context(), h.db, v.Collections(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) > 0 {
		t.Fatalf("findings: %+v", report.Findings)
	}
	return report
}

// trail reads an owner's audit trail.
func (h *house) trail(t testing.TB, owner string) []store.AuditRecord {
	t.Helper()
	records, err := h.db.Read(t.Context(), store.AuditLog("vault_keys", owner), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var out []store.AuditRecord
	for _, r := range records {
		var rec store.AuditRecord
		if err := json.Unmarshal(r.Body, &rec); err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

func acts(trail []store.AuditRecord) string {
	var b bytes.Buffer
	for _, r := range trail {
		fmt.Fprintf(&b, "%s ", r.Act)
	}
	return b.String()
}

func mustSeal(t testing.TB, v *Vault, owner, field, plaintext string) Sealed {
	t.Helper()
	s, err := v.Seal(t.Context(), owner, field, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustOpen(t testing.TB, v *Vault, owner, field string, s Sealed) string {
	t.Helper()
	text, err := v.Open(t.Context(), owner, field, s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
