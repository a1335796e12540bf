package agreement

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hezuo/bus"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
	"hezuo/store/sqlite"
	"hezuo/vault"
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

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// watchedDB is a real store that fails the test when anything changes or removes an
// agreement.
type watchedDB struct {
	store.DB
	t testing.TB
}

func (w watchedDB) Write(ctx context.Context, wr store.Write) error {
	look := func(wr *store.Write) {
		if wr != nil && wr.Collection == "agreements" && (wr.Expect != 0 || wr.Doc == nil || wr.Doc.Deleted) {
			w.t.Errorf("agreement %s is written a second time", wr.ID)
		}
	}
	look(&wr)
	if again := wr.Again; again != nil {
		wr.Again = func(d *store.Document) (*store.Write, error) {
			next, err := again(d)
			look(next)
			return next, err
		}
	}
	return w.DB.Write(ctx, wr)
}

// codes is a sender that remembers the newest code of each phone.
type codes struct {
	mu    sync.Mutex
	codes map[string]string
}

func (c *codes) Send(_ context.Context, m identity.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codes[m.Phone] = m.Code
	return nil
}

func (c *codes) of(phone string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.codes[phone]
}

// world is a house with one market, an operator and an auditor.
type world struct {
	t          testing.TB
	raw        store.DB // not watched
	db         store.DB
	clock      *clock
	bus        *bus.Memory
	sent       *codes
	vault      *vault.Vault
	people     *identity.Service
	board      *market.Board
	contracts  *Contracts
	handshakes *matching.Handshakes
	agreements *Agreements
	cursors    *store.Cursors
	operator   *person
	auditor    *person
	n          atomic.Int64
}

const county = "371502"

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, clock: &clock{now: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)},
		sent: &codes{codes: map[string]string{}},
	}
	w.bus = bus.NewMemory(w.clock.Now)
	raw := must(sqlite.Open(t.Context(), sqlite.Options{
		Path: filepath.Join(t.TempDir(), "store.db"), Logger: slog.New(slog.DiscardHandler),
		Published: func(log string, _ int64) { w.bus.Wake(log) },
	}))(t)
	t.Cleanup(func() {
		if err := raw.Close(); err != nil {
			t.Error(err)
		}
	})
	w.raw, w.db = raw, watchedDB{raw, t}
	master := sha256.Sum256([]byte("master"))
	kms := must(vault.NewFileKMS(master[:]))(t)
	ctx := t.Context()
	w.vault = must(vault.New(ctx, vault.Config{DB: w.db, KMS: kms, Now: w.clock.Now, Node: "n1"}))(t)
	w.people = must(identity.New(ctx, identity.Config{
		DB: w.db, Vault: w.vault, Limiter: w.bus, Sender: w.sent, Issuer: "https://hezuo.test", Now: w.clock.Now,
		CodesPerPhone: 1000, CodesPerAddress: 1000,
	}))(t)
	w.board = must(market.NewBoard(ctx, market.Config{DB: w.db, Vault: w.vault, Now: w.clock.Now}))(t)
	w.contracts = must(NewContracts(ctx, w.config("n1")))(t)
	w.handshakes = must(matching.New(ctx, matching.Config{DB: w.db, Board: w.board, Contract: w.contracts, Node: "n1", Now: w.clock.Now}))(t)
	w.agreements = w.node("n1")
	w.cursors = must(store.OpenCursors(ctx, w.db))(t)

	must(w.board.CreateMarket(ctx, nil, w.cmd("system:test"), county))(t)
	w.operator, w.auditor = w.person("13900000001"), w.person("13900000002")
	must(w.board.Appoint(ctx, nil, w.cmd("system:test"), county, w.operator.ID, true, "appointed for the test"))(t)
	if err := w.people.GrantRole(ctx, w.cmd("system:test"), w.auditor.ID, identity.Auditor, "appointed for the test"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) config(node string) ContractsConfig {
	return ContractsConfig{DB: w.db, Vault: w.vault, Board: w.board, Keys: w.people, Node: node, Now: w.clock.Now}
}

// node opens the room once more, as another process would.
func (w *world) node(name string) *Agreements {
	w.t.Helper()
	c := must(NewContracts(w.t.Context(), w.config(name)))(w.t)
	return must(New(w.t.Context(), Config{Contracts: c, Handshakes: w.handshakes}))(w.t)
}

func (w *world) cmd(actor string) store.Command {
	return store.Command{ID: fmt.Sprintf("cmd-%d", w.n.Add(1)), Actor: actor, From: "test", At: w.clock.Now()}
}

// person is somebody with a device.
type person struct {
	w         *world
	ID        string
	phone     string
	principal identity.Principal
	device
}

type device struct {
	private    *ecdsa.PrivateKey
	thumbprint string
}

func (w *world) person(phone string) *person {
	w.t.Helper()
	ctx := w.t.Context()
	must(w.people.SendCode(ctx, w.cmd(""), phone, "192.0.2.1"))(w.t)
	tokens := must(w.people.SignIn(ctx, w.cmd(""), phone, w.sent.of(phone), identity.DeviceInfo{}))(w.t)
	p := &person{w: w, ID: tokens.Person, phone: phone}
	p.principal = identity.Principal{Person: tokens.Person, Session: tokens.Session}
	p.device = p.newDevice()
	return p
}

// newDevice registers a new key.
func (p *person) newDevice() device {
	w := p.w
	w.t.Helper()
	d := device{private: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(w.t)}
	point := must(d.private.PublicKey.Bytes())(w.t)
	jwk := must(json.Marshal(map[string]string{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}))(w.t)
	_, thumbprint, err := identity.ParseDeviceKey(jwk)
	if err != nil {
		w.t.Fatal(err)
	}
	d.thumbprint = thumbprint
	sent := must(w.people.SendOwnCode(w.t.Context(), w.cmd(p.ID), p.principal, identity.PurposeDeviceKey, "192.0.2.1"))(w.t)
	must(w.people.RegisterKey(w.t.Context(), w.cmd(p.ID), p.principal, identity.KeyRequest{
		Key: jwk, Code: identity.CodeGiven{ID: sent.ID, Digits: w.sent.of(p.phone)},
		Possession: d.sign(w.t, identity.Challenge(p.ID, thumbprint, sent.ID)),
	}))(w.t)
	return d
}

// sign signs as WebCrypto does.
func (d device) sign(t testing.TB, data []byte) string {
	t.Helper()
	h := sha256.Sum256(data)
	r, s, err := ecdsa.Sign(rand.Reader, d.private, h[:])
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return b64(raw)
}

func (p *person) caller() market.Caller {
	p.w.t.Helper()
	got := must(p.w.people.Get(p.w.t.Context(), p.ID))(p.w.t)
	principal := p.principal
	principal.Roles = got.Roles
	return must(p.w.board.Caller(p.w.t.Context(), principal))(p.w.t)
}

func creditCode(t testing.TB, first17 string) string {
	t.Helper()
	return first17 + string(must(market.CreditCodeCheck(first17))(t))
}

// identityNumber invents one: its check character is right, its region is none.
func identityNumber(t testing.TB, first17 string) string {
	t.Helper()
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	n := 0
	for i, weight := range weights {
		n += int(first17[i]-'0') * weight
	}
	number := first17 + string("10X98765432"[n%11])
	if err := identity.ValidateIdentityNumber(number); err != nil {
		t.Fatal(err)
	}
	return number
}

// party registers a party for a person and has it verified.
func (p *person) party(form market.PartyForm) string {
	w := p.w
	w.t.Helper()
	form.Market, form.ContactName, form.ContactPhone = county, "联系人", p.phone
	it := must(w.board.CreateParty(w.t.Context(), p.caller(), w.cmd(p.ID), form))(w.t)
	must(w.board.DecideParty(w.t.Context(), w.operator.caller(), w.cmd(w.operator.ID), it.ID, market.Decision{Approve: true, Reason: "papers seen"}))(w.t)
	return it.ID
}

func companyForm(t testing.TB) market.PartyForm {
	return market.PartyForm{Kind: market.Company, Name: "聊城某果品有限公司", CreditCode: creditCode(t, "91371502MA3C8D9E1"), Representative: "孙代表甲"}
}

func cooperativeForm(t testing.TB) market.PartyForm {
	return market.PartyForm{
		Kind: market.Cooperative, Name: "东昌府区某农村劳务专业合作社", CreditCode: creditCode(t, "93371502MA3C8D9E1"),
		Representative: "钱代表乙", Members: 30, FarmerShare: 90,
	}
}

func individualForm(t testing.TB) market.PartyForm {
	return market.PartyForm{Kind: market.Individual, Name: "周个人丙", IdentityNumber: identityNumber(t, "99999919800101123")}
}

// sides are two parties with a person each.
type sides struct {
	employer, owner           *person
	employerParty, ownerParty string
}

func (w *world) sides() sides {
	w.t.Helper()
	s := sides{employer: w.person("13900000011"), owner: w.person("13900000012")}
	s.employerParty, s.ownerParty = s.employer.party(companyForm(w.t)), s.owner.party(cooperativeForm(w.t))
	return s
}

func (s sides) of(r matching.Role) *person {
	if r == matching.Employer {
		return s.employer
	}
	return s.owner
}

// negotiating brings the sides to a handshake that talks.
func (w *world) negotiating(s sides) string {
	w.t.Helper()
	ctx, t, now := w.t.Context(), w.t, w.clock.Now()
	site := market.Site{Place: market.Towns(county)[0].Code, Detail: "村东果园"}
	period := market.Period{From: market.DateOf(now).Add(3), To: market.DateOf(now).Add(5)}
	trade := market.Trades()[0].Code
	job := must(w.board.CreateJob(ctx, s.employer.caller(), w.cmd(s.employer.ID), s.employerParty, market.JobPost{
		Title: "采摘苹果", Trade: trade, Duties: "采摘苹果并装箱 <5kg & 10kg>", Requirements: "无", Headcount: 10, Period: period, HoursPerDay: 7.5,
		Pay: market.Pay{Amount: 15000, Unit: market.PerDay}, Site: site,
		Conditions: market.Conditions{Meals: market.ByEmployer, Lodging: market.ByNobody, Transport: market.ByTeam}, Deadline: now.Add(48 * time.Hour),
	}))(t)
	must(w.board.SubmitJob(ctx, s.employer.caller(), w.cmd(s.employer.ID), job.ID))(t)
	must(w.board.DecideJob(ctx, w.operator.caller(), w.cmd(w.operator.ID), job.ID, market.Decision{Approve: true, Reason: "it is in order"}))(t)
	team := must(w.board.CreateTeam(ctx, s.owner.caller(), w.cmd(s.owner.ID), s.ownerParty, market.TeamPost{
		Name: "采摘一队", Trades: []string{trade}, Headcount: 10, Smallest: 2, Free: []market.Period{{From: period.From, To: period.To.Add(30)}},
		Base: site, RadiusKm: 30,
	}))(t)
	must(w.board.OpenTeam(ctx, s.owner.caller(), w.cmd(s.owner.ID), team.ID))(t)
	h := must(w.handshakes.Invite(ctx, s.employer.caller(), w.cmd(s.employer.ID), job.ID, team.ID, 5))(t)
	h = must(w.handshakes.Yes(ctx, s.owner.caller(), w.cmd(s.owner.ID), h.ID, matching.Event{}))(t)
	if h.Doc.State != matching.Negotiating {
		t.Fatalf("the handshake is %s", h.Doc.State)
	}
	return h.ID
}

// agreed brings the sides to a handshake whose terms both have accepted.
func (w *world) agreed(s sides) string {
	w.t.Helper()
	id := w.negotiating(s)
	terms := w.handshake(id).Newest().Terms
	terms.Weather, terms.Safety, terms.Cancellation = "遇雨顺延", "登高必须系安全带", "提前一天告知"
	terms.Site.Point = &market.Point{Lat: 36.4567, Lon: 115.98543210987}
	h := must(w.handshakes.Propose(w.t.Context(), s.employer.caller(), w.cmd(s.employer.ID), id, matching.Event{Terms: terms, Hash: w.handshake(id).Newest().Hash}))(w.t)
	h = must(w.handshakes.Accept(w.t.Context(), s.owner.caller(), w.cmd(s.owner.ID), id, matching.Event{Hash: h.Doc.Newest().Hash}))(w.t)
	if h.Doc.State != matching.Agreed {
		w.t.Fatalf("the handshake is %s", h.Doc.State)
	}
	return id
}

func (w *world) handshake(id string) *matching.Handshake {
	w.t.Helper()
	it := must(w.handshakes.Collection().Get(w.t.Context(), id))(w.t)
	return &it.Doc
}

// signature makes what a client sends, by the newest usable key.
func (w *world) signature(id string, r matching.Role, p *person) matching.Event {
	w.t.Helper()
	req := must(w.contracts.Signing(w.t.Context(), id, w.handshake(id), r, p.ID, w.clock.Now()))(w.t)
	for _, h := range req.Headers {
		if h.Key == p.thumbprint {
			protected := b64([]byte(h.Protected))
			return matching.Event{As: r, Protected: protected, Signature: p.sign(w.t, signingInput(protected, req.Payload))}
		}
	}
	w.t.Fatalf("no header for the key %s", p.thumbprint)
	return matching.Event{}
}

func (w *world) sign(id string, r matching.Role, p *person) {
	w.t.Helper()
	must(w.handshakes.Sign(w.t.Context(), p.caller(), w.cmd(p.ID), id, w.signature(id, r, p)))(w.t)
}

// signed brings the sides to a handshake that both have signed.
func (w *world) signed(s sides) string {
	w.t.Helper()
	id := w.agreed(s)
	w.clock.Add(5 * time.Minute)
	w.sign(id, matching.Employer, s.employer)
	w.clock.Add(7 * time.Minute)
	w.sign(id, matching.Owner, s.owner)
	if state := w.handshake(id).State; state != matching.Signed {
		w.t.Fatalf("the handshake is %s", state)
	}
	return id
}

// follow has a node handle all that is in the feed.
func (w *world) follow(s *Agreements) {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.cursors.Step(w.t.Context(), s.follower(county)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// concluded brings the sides to an agreement.
func (w *world) concluded(s sides) store.Item[Agreement] {
	w.t.Helper()
	id := w.signed(s)
	w.follow(w.agreements)
	return must(w.agreements.ByHandshake(w.t.Context(), s.employer.caller(), id))(w.t)
}

// report runs the room's check and that of the trails and logs.
func (w *world) report() store.Report {
	w.t.Helper()
	var report store.Report
	ctx := w.t.Context()
	for _, err := range []error{
		w.agreements.Check(ctx, &report),
		w.people.Check(ctx, &report), w.vault.Check(ctx, &report),
		store.CheckTrails(ctx, w.db, w.agreements.Collections(), &report),
		store.CheckTrails(ctx, w.db, w.board.Collections(), &report),
		store.CheckTrails(ctx, w.db, []store.Checked{w.handshakes.Collection()}, &report),
		store.CheckLogs(ctx, w.db, &report),
	} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return report
}

// check proves that nothing is wrong; every test of a flow ends so.
func (w *world) check() store.Report {
	w.t.Helper()
	r := w.report()
	if len(r.Findings) > 0 {
		w.t.Fatalf("findings: %+v", r.Findings)
	}
	return r
}
