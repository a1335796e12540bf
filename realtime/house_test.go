package realtime_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hezuo/bus"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/realtime"
	"hezuo/store"
	"hezuo/store/sqlite"
	"hezuo/vault"
)

// house is a node's rooms up to this one, on a real store, with one handshake in
// negotiation.
type house struct {
	t          testing.TB
	path       string
	db         store.DB
	bus        *bus.Memory
	codes      *codes
	people     *identity.Service
	board      *market.Board
	handshakes *matching.Handshakes
	rooms      *realtime.Rooms
	sockets    *realtime.Sockets
	site       *site
	handshake  string
	employer   *person
	leader     *person
	acts       int
}

type person struct {
	identity.Principal
	access string
}

// codes is a sender that hands the newest code to the test.
type codes struct {
	mu   sync.Mutex
	last string
}

func (c *codes) Send(_ context.Context, m identity.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = m.Code
	return nil
}

// unsigned is a contract that these tests never come to.
type unsigned struct{}

func (unsigned) Draft(context.Context, string, *matching.Handshake) (string, error) { return "{}", nil }

func (unsigned) Verify(context.Context, string, *matching.Handshake, matching.Role, string, string, string, time.Time) (matching.Signature, error) {
	return matching.Signature{}, nil
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, codes: &codes{}, path: filepath.Join(t.TempDir(), "store.db")}
	h.bus = bus.NewMemory(time.Now)
	log := slog.New(slog.DiscardHandler)
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: h.path, Logger: log, Published: func(l string, _ int64) { h.bus.Wake(l) }})
	h.must(err)
	h.db = db
	t.Cleanup(func() { h.must(db.Close()) })
	master := sha256.Sum256([]byte("master"))
	kms, err := vault.NewFileKMS(master[:])
	h.must(err)
	v, err := vault.New(t.Context(), vault.Config{DB: db, KMS: kms, Now: time.Now})
	h.must(err)
	h.people, err = identity.New(t.Context(), identity.Config{DB: db, Vault: v, Limiter: h.bus, Sender: h.codes, Issuer: "http://localhost"})
	h.must(err)
	h.board, err = market.NewBoard(t.Context(), market.Config{DB: db, Vault: v, Now: time.Now})
	h.must(err)
	h.handshakes, err = matching.New(t.Context(), matching.Config{DB: db, Board: h.board, Contract: unsigned{}, Node: "n", Now: time.Now})
	h.must(err)
	h.rooms = realtime.NewRooms(realtime.RoomsConfig{DB: db, Vault: v, Handshakes: h.handshakes, Now: time.Now})
	h.sockets = realtime.NewSockets(realtime.SocketsConfig{
		Identity: h.people, Board: h.board, Handshakes: h.handshakes, Rooms: h.rooms,
		Hub: realtime.NewHub(h.rooms, h.bus, log), Now: time.Now, Logger: log, Recheck: 20 * time.Millisecond,
	})
	byPath := map[string]*person{}
	var mu sync.Mutex
	h.site = newSite(t, &realtime.Upgrader{}, func(path string, ws *websocket.Conn) {
		mu.Lock()
		p := byPath[path]
		mu.Unlock()
		h.sockets.Serve(t.Context(), p.Principal, ws)
	})
	h.play()
	mu.Lock()
	byPath["/employer"], byPath["/leader"], byPath["/stranger"] = h.employer, h.leader, h.person("13900000003")
	mu.Unlock()
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// act gives a caller and a new command of theirs.
func (h *house) act(p *person) (market.Caller, store.Command) {
	h.t.Helper()
	by, err := h.board.Caller(h.t.Context(), p.Principal)
	h.must(err)
	h.acts++
	return by, by.Command(fmt.Sprintf("act %d", h.acts), time.Now())
}

func (h *house) person(phone string) *person {
	h.t.Helper()
	h.acts++
	cmd := store.Command{ID: fmt.Sprintf("sign in %d", h.acts), At: time.Now()}
	_, err := h.people.SendCode(h.t.Context(), cmd, phone, "192.0.2.1")
	h.must(err)
	tokens, err := h.people.SignIn(h.t.Context(), cmd, phone, h.codes.last, identity.DeviceInfo{})
	h.must(err)
	return &person{identity.Principal{Person: tokens.Person, Session: tokens.Session}, tokens.Access}
}

const county = "371502"

// play brings an employer and a cooperative's leader to negotiation.
func (h *house) play() {
	h.t.Helper()
	ctx := h.t.Context()
	house := store.Command{ID: "found", Actor: "system:test", At: time.Now()}
	_, err := h.board.CreateMarket(ctx, nil, house, county)
	h.must(err)
	operator := h.person("13900000009")
	_, err = h.board.Appoint(ctx, nil, store.Command{ID: "appoint", Actor: "system:test", At: time.Now()}, county, operator.Person, true, "the first operator")
	h.must(err)
	h.employer, h.leader = h.person("13900000001"), h.person("13900000002")

	form := market.PartyForm{
		Market: county, ContactName: "张三", ContactPhone: "13900000001", Representative: "张三",
		Kind: market.Company, Name: "聊城果园有限公司", CreditCode: creditCode("91371502MA3C0000"),
	}
	employer := h.party(h.employer, operator, form)
	form.Kind, form.Name, form.CreditCode, form.Members, form.FarmerShare = market.Cooperative, "东昌府区劳务专业合作社", creditCode("93371502MA3C0000"), 12, 90
	owner := h.party(h.leader, operator, form)

	today := market.DateOf(time.Now())
	period := market.Period{From: today.Add(3), To: today.Add(5)}
	conditions := market.Conditions{Meals: market.ByEmployer, Lodging: market.ByNobody, Transport: market.ByTeam}
	by, cmd := h.act(h.employer)
	job, err := h.board.CreateJob(ctx, by, cmd, employer, market.JobPost{
		Title: "采摘工", Trade: "fruit-picking", Duties: "采摘苹果并装箱", Requirements: "无", Headcount: 12, Period: period, HoursPerDay: 8,
		Pay: market.Pay{Amount: 12000, Unit: market.PerDay}, Site: market.Site{Place: county}, Conditions: conditions, Deadline: period.Start(),
	})
	h.must(err)
	by, cmd = h.act(h.employer)
	_, err = h.board.SubmitJob(ctx, by, cmd, job.ID)
	h.must(err)
	by, cmd = h.act(operator)
	_, err = h.board.DecideJob(ctx, by, cmd, job.ID, market.Decision{Approve: true, Reason: "all fields are sound"})
	h.must(err)
	by, cmd = h.act(h.leader)
	team, err := h.board.CreateTeam(ctx, by, cmd, owner, market.TeamPost{
		Name: "一队", Trades: []string{"fruit-picking"}, Headcount: 12, Smallest: 12, Free: []market.Period{period},
		Base: market.Site{Place: county}, RadiusKm: 30, LowestPay: 10000,
	})
	h.must(err)
	by, cmd = h.act(h.leader)
	_, err = h.board.OpenTeam(ctx, by, cmd, team.ID)
	h.must(err)
	by, cmd = h.act(h.employer)
	hs, err := h.handshakes.Invite(ctx, by, cmd, job.ID, team.ID, 12)
	h.must(err)
	h.handshake = hs.ID
	by, cmd = h.act(h.leader)
	hs, err = h.handshakes.Yes(ctx, by, cmd, hs.ID, matching.Event{})
	h.must(err)
	if hs.Doc.State != matching.Negotiating {
		h.t.Fatalf("the handshake is %s, want negotiating", hs.Doc.State)
	}
}

func (h *house) party(p, operator *person, form market.PartyForm) string {
	h.t.Helper()
	by, cmd := h.act(p)
	it, err := h.board.CreateParty(h.t.Context(), by, cmd, form)
	h.must(err)
	by, cmd = h.act(operator)
	_, err = h.board.DecideParty(h.t.Context(), by, cmd, it.ID, market.Decision{Approve: true, Reason: "papers were seen"})
	h.must(err)
	return it.ID
}

// creditCode completes a code of 16 characters.
func creditCode(first string) string {
	first += "0"
	c, err := market.CreditCodeCheck(first)
	if err != nil {
		panic(err)
	}
	return first + string(c)
}
