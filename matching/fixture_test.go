package matching

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

	"pgregory.net/rapid"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/store"
	"hezuo/store/sqlite"
	"hezuo/vault"
)

const (
	county   = "371502"
	trade    = "fruit-picking"
	operator = "p-operator"
	admin    = "p-admin"
)

// clock is a clock that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

// shanghai gives an instant of the market's clocks.
func shanghai(date string, clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", date+" "+clock, market.Shanghai)
	if err != nil {
		panic(err)
	}
	return t
}

// world is a market with one node, on a store on disk.
type world struct {
	t        rapid.TB
	ctx      context.Context
	path     string
	db       *faultyDB
	clock    *clock
	contract *fakeContract
	*node
	nodes int
	n     int           // of commands and parties
	free  market.Period // of teams
}

// node is the services of one process.
type node struct {
	board      *market.Board
	handshakes *Handshakes
	engine     *Engine
	cursors    *store.Cursors
}

// newWorld opens a market on the first of March 2026, eight in the morning.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, ctx: t.Context(), path: filepath.Join(t.TempDir(), "hezuo.db"), clock: &clock{now: shanghai("2026-03-01", "08:00:00")},
		free: market.Period{From: "2026-03-01", To: "2026-05-31"},
	}
	w.contract = &fakeContract{t: t}
	w.db = &faultyDB{}
	w.open()
	t.Cleanup(func() { _ = w.db.Close() })
	_, err := w.board.CreateMarket(w.ctx, nil, w.cmd(admin), county)
	w.must(err)
	_, err = w.board.Appoint(w.ctx, nil, w.cmd(admin), county, operator, true, "the county's labour bureau")
	w.must(err)
	return w
}

// open opens the store and a node on it.
func (w *world) open() {
	w.t.Helper()
	db, err := sqlite.Open(w.ctx, sqlite.Options{Path: w.path, Readers: 2, Logger: slog.New(slog.DiscardHandler)})
	w.must(err)
	w.db.set(db)
	w.node = w.newNode()
}

// restart closes everything and opens it anew, as after a crash.
func (w *world) restart() {
	w.t.Helper()
	w.must(w.db.Close())
	w.open()
}

// newNode makes another process's services over the same store.
func (w *world) newNode() *node {
	w.t.Helper()
	w.nodes++
	kms, err := vault.NewFileKMS(bytes.Repeat([]byte{7, 9}, 16))
	w.must(err)
	v, err := vault.New(w.ctx, vault.Config{DB: w.db, KMS: kms, Now: w.clock.Now})
	w.must(err)
	n := &node{}
	n.board, err = market.NewBoard(w.ctx, market.Config{DB: w.db, Vault: v, Now: w.clock.Now})
	w.must(err)
	n.handshakes, err = New(w.ctx, Config{
		DB: w.db, Board: n.board, Contract: w.contract, Node: fmt.Sprintf("node %d", w.nodes), Now: w.clock.Now,
	})
	w.must(err)
	n.engine = NewEngine(n.handshakes, slog.New(slog.DiscardHandler))
	n.cursors, err = store.OpenCursors(w.ctx, w.db)
	w.must(err)
	return n
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v", err)
	}
}

// want fails unless err is a fault of the code.
func (w *world) want(err error, code fault.Code) {
	w.t.Helper()
	if !fault.Is(err, code) {
		w.t.Fatalf("got %v, want the code %s", err, code)
	}
}

// cmd is a new command of a person at the clock's time.
func (w *world) cmd(person string) store.Command {
	w.n++
	return store.Command{ID: fmt.Sprintf("command %d", w.n), Actor: person, From: "session", At: w.clock.Now()}
}

// as gives what a person may do.
func (w *world) as(person string) market.Caller {
	w.t.Helper()
	c, err := w.board.Caller(w.ctx, identity.Principal{Person: person, Session: "session"})
	w.must(err)
	return c
}

// party registers a party of a new person and has it verified. It gives both ids.
func (w *world) party(kind market.PartyKind, partnered bool) (id, person string) {
	w.t.Helper()
	w.n++
	person = fmt.Sprintf("p-%d", w.n)
	form := market.PartyForm{
		Kind: kind, Market: county, Name: fmt.Sprintf("第%d合作方", w.n), Representative: "张三", ContactName: "李四", ContactPhone: "13800138000",
		CreditCode: w.creditCode(kind),
	}
	switch kind {
	case market.Cooperative:
		form.Members, form.FarmerShare = 20, 90
	case market.Agency:
		form.Licence = &market.Licence{Number: "371502-0001", Expires: "2030-12-31"}
	case market.Company, market.Individual:
	}
	it, err := w.board.CreateParty(w.ctx, w.as(person), w.cmd(person), form)
	w.must(err)
	_, err = w.board.DecideParty(w.ctx, w.as(operator), w.cmd(operator), it.ID, market.Decision{Approve: true, Reason: "papers seen", Partnered: partnered})
	w.must(err)
	return it.ID, person
}

// creditCode makes a valid code.
func (w *world) creditCode(kind market.PartyKind) string {
	w.n++
	first := "91"
	if kind == market.Cooperative {
		first = "93"
	}
	code := fmt.Sprintf("%s371502MA%07d", first, w.n)
	check, err := market.CreditCodeCheck(code)
	w.must(err)
	return code + string(check)
}

// post is a job's post, of so many people on days in March.
func (w *world) post(headcount int, from, to market.Date) market.JobPost {
	p := market.Period{From: from, To: to}
	return market.JobPost{
		Title: "摘梨", Trade: trade, Duties: "在果园摘梨并装箱", Requirements: "无", Headcount: headcount, Period: p, HoursPerDay: 8,
		Pay: market.Pay{Amount: 15_000, Unit: market.PerDay}, Site: market.Site{Place: county},
		Conditions: market.Conditions{Meals: market.ByEmployer, Lodging: market.ByNobody, Transport: market.ByTeam},
		Deadline:   p.Start(),
	}
}

// job posts a job and has it approved; it opens with its first look.
func (w *world) job(employer, person string, post market.JobPost) string {
	w.t.Helper()
	it, err := w.board.CreateJob(w.ctx, w.as(person), w.cmd(person), employer, post)
	w.must(err)
	_, err = w.board.SubmitJob(w.ctx, w.as(person), w.cmd(person), it.ID)
	w.must(err)
	_, err = w.board.DecideJob(w.ctx, w.as(operator), w.cmd(operator), it.ID, market.Decision{Approve: true, Reason: "fit to be posted"})
	w.must(err)
	return it.ID
}

// team puts a team on the market that is free as w.free says: from March to May.
func (w *world) team(owner, person string, headcount, smallest int) string {
	w.t.Helper()
	it, err := w.board.CreateTeam(w.ctx, w.as(person), w.cmd(person), owner, w.teamPost(headcount, smallest))
	w.must(err)
	_, err = w.board.OpenTeam(w.ctx, w.as(person), w.cmd(person), it.ID)
	w.must(err)
	return it.ID
}

func (w *world) teamPost(headcount, smallest int) market.TeamPost {
	return market.TeamPost{
		Name: "摘梨队", Trades: []string{trade}, Headcount: headcount, Smallest: smallest,
		Free: []market.Period{w.free}, Base: market.Site{Place: county}, RadiusKm: 50, LowestPay: 10_000,
	}
}

// turn has the engine follow the feeds to their ends, and finish what is unfinished.
func (w *world) turn() {
	w.t.Helper()
	w.must(w.follow())
}

func (w *world) follow() error {
	for again := true; again; {
		again = false
		for _, f := range []store.Follower{
			{Name: "engine", Log: market.PostsFeed(county), Handle: w.engine.handlePost, Now: w.clock.Now},
			{Name: "engine", Log: Feed(county), Handle: w.engine.handleHandshake, Now: w.clock.Now},
		} {
			before, err := w.cursors.At(w.ctx, f.Name, f.Log)
			if err != nil {
				return err
			}
			if _, err := w.cursors.Step(w.ctx, f); err != nil {
				return err
			}
			after, err := w.cursors.At(w.ctx, f.Name, f.Log)
			if err != nil {
				return err
			}
			again = again || after > before
		}
	}
	return nil
}

// settle does what has fallen due, and what the engine makes of it.
func (w *world) settle() {
	w.t.Helper()
	w.must(w.engine.SettleOnce(w.ctx))
	w.turn()
}

// get reads a handshake as it is.
func (w *world) get(id string) *Handshake {
	w.t.Helper()
	it, err := w.handshakes.c.Get(w.ctx, id)
	w.must(err)
	return &it.Doc
}

func (w *world) getJob(id string) *market.Job {
	w.t.Helper()
	it, err := w.board.Jobs.Get(w.ctx, id)
	w.must(err)
	return &it.Doc
}

func (w *world) getTeam(id string) *market.Team {
	w.t.Helper()
	it, err := w.board.Teams.Get(w.ctx, id)
	w.must(err)
	return &it.Doc
}

// state fails unless the handshake is in the state.
func (w *world) state(id string, s State) *Handshake {
	w.t.Helper()
	h := w.get(id)
	if h.State != s {
		w.t.Fatalf("the handshake is %s (%+v), want %s", h.State, h.Ending, s)
	}
	return h
}

// of lists a job's handshakes in the order of their making.
func (w *world) of(job string) []store.Item[Handshake] {
	w.t.Helper()
	var out []store.Item[Handshake]
	w.must(w.handshakes.c.Each(w.ctx, store.Range{Index: "job", Prefix: store.K(job)}, func(it store.Item[Handshake]) error {
		out = append(out, it)
		return nil
	}))
	return out
}

// with gives a job's handshake with a team that is not over, or else the newest.
func (w *world) with(job, team string) string {
	w.t.Helper()
	id := ""
	for _, it := range w.of(job) {
		if it.Doc.Team == team && (id == "" || !it.Doc.State.Over()) {
			id = it.ID
		}
	}
	if id == "" {
		w.t.Fatalf("there is no handshake of the team")
	}
	return id
}

// report makes the whole check of the store.
func (w *world) report() *store.Report {
	w.t.Helper()
	r := &store.Report{}
	w.must(store.CheckLogs(w.ctx, w.db, r))
	w.must(store.CheckTrails(w.ctx, w.db, append(w.board.Collections(), w.handshakes.Collection()), r))
	w.must(w.board.Check(w.ctx, r))
	w.must(w.handshakes.Check(w.ctx, r))
	return r
}

// clean fails unless every invariant holds.
func (w *world) clean() *store.Report {
	w.t.Helper()
	r := w.report()
	if len(r.Findings) > 0 {
		b, _ := json.MarshalIndent(r.Findings, "", " ")
		w.t.Fatalf("the store is not sound: %s", b)
	}
	return r
}

// said reports whether a finding has the words.
func (w *world) said(findings []store.Finding, part string) bool {
	for _, f := range findings {
		if strings.Contains(f.What, part) {
			return true
		}
	}
	return false
}
