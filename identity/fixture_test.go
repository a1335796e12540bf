package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/store/sqlite"
	"hezuo/vault"
)

// Nobody's numbers: 138 0013 8000 is an operator's own service line.
const (
	phoneA   = "13800138000"
	phoneB   = "13900139000"
	nameA    = "张三丰"
	address  = "192.0.2.7"
	issuer   = "https://hezuo.example"
	laptopID = "a laptop"
)

// world is a house with one node, and a clock that tests move.
type world struct {
	t       *testing.T
	ctx     context.Context
	db      *recorder
	vault   *vault.Vault
	clock   *clock
	limiter *limiter
	phones  *phones
	logged  *bytes.Buffer
	s       *Service
	n       int // of commands
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, ctx: t.Context(), clock: &clock{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)},
		phones: &phones{}, logged: &bytes.Buffer{},
	}
	w.limiter = &limiter{now: w.clock.Now, used: map[string][]time.Time{}}
	db, err := sqlite.Open(w.ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "hezuo.db"), Logger: slog.New(slog.DiscardHandler)})
	w.must(err)
	w.db = &recorder{DB: db}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	master := bytes.Repeat([]byte{7, 9}, 16)
	kms, err := vault.NewFileKMS(master)
	w.must(err)
	w.vault, err = vault.New(w.ctx, vault.Config{DB: w.db, KMS: kms, Now: w.clock.Now})
	w.must(err)
	w.s = w.node()
	return w
}

// node makes another service over the same store.
func (w *world) node() *Service {
	w.t.Helper()
	s, err := New(w.ctx, Config{
		DB: w.db, Vault: w.vault, Limiter: w.limiter, Sender: w.phones, Issuer: issuer, Now: w.clock.Now,
		Logger: slog.New(slog.NewTextHandler(w.logged, nil)),
	})
	w.must(err)
	return s
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// want fails unless err is a fault of the code.
func (w *world) want(err error, code fault.Code) {
	w.t.Helper()
	if !fault.Is(err, code) {
		w.t.Fatalf("got %v, want the code %s", err, code)
	}
}

// cmd is a new command at the clock's time.
func (w *world) cmd() store.Command {
	w.n++
	return store.Command{ID: fmt.Sprintf("command %d", w.n), From: "node", At: w.clock.Now()}
}

// code has a sign-in code sent and gives it.
func (w *world) code(phone string) string {
	w.t.Helper()
	_, err := w.s.SendCode(w.ctx, w.cmd(), phone, address)
	w.must(err)
	return w.phones.last().Code
}

// signIn gives a new session of a phone.
func (w *world) signIn(phone string) Tokens {
	w.t.Helper()
	tokens, err := w.s.SignIn(w.ctx, w.cmd(), phone, w.code(phone), DeviceInfo{ID: laptopID})
	w.must(err)
	return tokens
}

// principal signs a phone in and authenticates.
func (w *world) principal(phone string) Principal {
	w.t.Helper()
	p, err := w.s.Authenticate(w.ctx, w.signIn(phone).Access)
	w.must(err)
	return p
}

// check proves the whole store, and that no phone or name is in it or in the log.
func (w *world) check() {
	w.t.Helper()
	var report store.Report
	w.must(w.s.Check(w.ctx, &report))
	w.must(w.vault.Check(w.ctx, &report))
	w.must(store.CheckLogs(w.ctx, w.db, &report))
	w.must(store.CheckTrails(w.ctx, w.db, append(w.s.Collections(), w.vault.Collections()...), &report))
	for _, f := range report.Findings {
		w.t.Errorf("check: %+v", f)
	}
	all := w.dump() + w.logged.String()
	for _, private := range []string{phoneA, phoneB, nameA, address} {
		if strings.Contains(all, private) {
			w.t.Errorf("%q is somewhere in clear", private)
		}
	}
}

// dump is everything in the store.
func (w *world) dump() string {
	w.t.Helper()
	var b strings.Builder
	for _, c := range append(w.s.Collections(), w.vault.Collections()...) {
		found, err := w.db.Find(w.ctx, store.Query{Collection: c.Name(), Limit: 1000})
		w.must(err)
		for _, m := range found {
			doc, err := json.Marshal(m.Doc)
			w.must(err)
			b.Write(doc)
		}
	}
	heads, err := w.db.Logs(w.ctx, "", "", 1000)
	w.must(err)
	for _, h := range heads {
		records, err := w.db.Read(w.ctx, h.Log, 0, 1000)
		w.must(err)
		fmt.Fprintf(&b, "%s %+v", h.Log, records)
		for _, r := range records {
			b.Write(r.Body)
		}
	}
	return b.String()
}

// trail gives the acts of a document's audit trail.
func (w *world) trail(collection, id string) []string {
	w.t.Helper()
	records, err := w.db.Read(w.ctx, store.AuditLog(collection, id), 0, 1000)
	w.must(err)
	var acts []string
	for _, r := range records {
		var a store.AuditRecord
		w.must(json.Unmarshal(r.Body, &a))
		acts = append(acts, a.Act)
	}
	return acts
}

// race runs fn on n goroutines at once and gives their errors.
func race(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// count tells how many errors are nil.
func count(errs []error) (good int) {
	for _, err := range errs {
		if err == nil {
			good++
		}
	}
	return good
}
