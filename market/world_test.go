package market

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/store"
	"hezuo/store/sqlite"
	"hezuo/vault"
)

const (
	county   = "371502"
	admin    = "p-admin"
	operator = "p-operator"
)

// world is a board on a store on disk, with a clock that the test moves.
type world struct {
	t     *testing.T
	ctx   context.Context
	db    store.DB
	vault *vault.Vault
	board *Board
	now   time.Time
	n     int

	employer, owner string // of p-boss and of p-chair
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), now: morning}
	db, err := sqlite.Open(w.ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "hezuo.db"), Logger: slog.New(slog.DiscardHandler)})
	w.must(err)
	w.db = db
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	kms, err := vault.NewFileKMS(bytes.Repeat([]byte{7, 9}, 16))
	w.must(err)
	clock := func() time.Time { return w.now }
	w.vault, err = vault.New(w.ctx, vault.Config{DB: db, KMS: kms, Now: clock})
	w.must(err)
	w.board, err = NewBoard(w.ctx, Config{DB: db, Vault: w.vault, Now: clock})
	w.must(err)
	_, err = w.board.CreateMarket(w.ctx, nil, w.cmd(admin), county)
	w.must(err)
	_, err = w.board.Appoint(w.ctx, nil, w.cmd(admin), county, operator, true, "the county's labour bureau")
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) want(err error, code fault.Code) {
	w.t.Helper()
	if !fault.Is(err, code) {
		w.t.Fatalf("got %v, want the code %s", err, code)
	}
}

func (w *world) cmd(person string) store.Command {
	w.n++
	return store.Command{ID: fmt.Sprintf("command %d", w.n), Actor: person, From: "session", At: w.now}
}

func (w *world) as(person string) Caller {
	w.t.Helper()
	p := identity.Principal{Person: person, Session: "session"}
	if person == admin {
		p.Roles = []identity.Role{identity.Admin}
	}
	c, err := w.board.Caller(w.ctx, p)
	w.must(err)
	return c
}

// code gives a valid credit code that no other party has.
func (w *world) code(first string) string {
	w.n++
	code := fmt.Sprintf("%s371502MA%07d", first, w.n)
	check, err := CreditCodeCheck(code)
	w.must(err)
	return code + string(check)
}

// company registers a verified employer of the boss.
func (w *world) company() string {
	form := company()
	form.CreditCode = w.code("91")
	return w.party("p-boss", form)
}

// cooperative registers a verified one of a person.
func (w *world) cooperative(person string) string {
	form := company()
	form.Kind, form.CreditCode, form.Members, form.FarmerShare = Cooperative, w.code("93"), 9, 100
	return w.party(person, form)
}

func (w *world) party(person string, form PartyForm) string {
	w.t.Helper()
	it, err := w.board.CreateParty(w.ctx, w.as(person), w.cmd(person), form)
	w.must(err)
	_, err = w.board.DecideParty(w.ctx, w.as(operator), w.cmd(operator), it.ID, Decision{Approve: true, Reason: "papers seen"})
	w.must(err)
	return it.ID
}

// draft writes a job of a company of the person p-boss; submitted and openJob bring
// it further.
func (w *world) draft() string {
	w.t.Helper()
	if w.employer == "" {
		w.employer = w.company()
	}
	it, err := w.board.CreateJob(w.ctx, w.as("p-boss"), w.cmd("p-boss"), w.employer, goodPost())
	w.must(err)
	return it.ID
}

func (w *world) submitted() string {
	w.t.Helper()
	id := w.draft()
	_, err := w.board.SubmitJob(w.ctx, w.as("p-boss"), w.cmd("p-boss"), id)
	w.must(err)
	return id
}

func (w *world) openJob() string {
	w.t.Helper()
	id := w.submitted()
	_, err := w.board.DecideJob(w.ctx, w.as(operator), w.cmd(operator), id, Decision{Approve: true, Reason: "fit to be posted"})
	w.must(err)
	return id
}

// openTeam puts a team of a cooperative of p-chair on the market.
func (w *world) openTeam() string {
	w.t.Helper()
	if w.owner == "" {
		w.owner = w.cooperative("p-chair")
	}
	it, err := w.board.CreateTeam(w.ctx, w.as("p-chair"), w.cmd("p-chair"), w.owner, goodTeam())
	w.must(err)
	_, err = w.board.OpenTeam(w.ctx, w.as("p-chair"), w.cmd("p-chair"), it.ID)
	w.must(err)
	return it.ID
}

// job does something to a job by its own rules.
func (w *world) job(id string, fn func(j *Job) ([]store.Entry, error)) {
	w.t.Helper()
	_, err := w.board.Jobs.Update(w.ctx, id, w.cmd("system:test"), fn)
	w.must(err)
}

// check gives what the room's check finds, and what the check of the trails does.
func (w *world) check() (own, trails []store.Finding) {
	w.t.Helper()
	var a, b store.Report
	w.must(w.board.Check(w.ctx, &a))
	w.must(store.CheckTrails(w.ctx, w.db, w.board.Collections(), &b))
	w.must(store.CheckLogs(w.ctx, w.db, &b))
	return a.Findings, b.Findings
}

func (w *world) clean() {
	w.t.Helper()
	if own, trails := w.check(); len(own)+len(trails) > 0 {
		w.t.Fatalf("the store is not sound: %v %v", own, trails)
	}
}

// spoil changes a document as no rule allows: by a command, with its audit entry,
// as a defect of ours would; or beside all rules, by a hand in the store.
func spoil[T any](w *world, c *store.Collection[T], id string, byHand bool, fn func(*T)) {
	w.t.Helper()
	if !byHand {
		_, err := c.Update(w.ctx, id, w.cmd("system:test"), func(doc *T) ([]store.Entry, error) {
			fn(doc)
			return []store.Entry{store.Audit("test.spoil", "", nil)}, nil
		})
		w.must(err)
		return
	}
	d, err := w.db.Get(w.ctx, c.Name(), id)
	w.must(err)
	var env struct {
		ID  string `json:"id"`
		Doc T      `json:"doc"`
	}
	w.must(json.Unmarshal(d.Body, &env))
	fn(&env.Doc)
	next := *d
	next.Rev++
	next.Body, err = json.Marshal(env)
	w.must(err)
	w.must(w.db.Write(w.ctx, store.Write{Collection: c.Name(), ID: id, Expect: d.Rev, Doc: &next}))
}
