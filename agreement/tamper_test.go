package agreement

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"hezuo/matching"
)

// genuine is an agreement with all its genuine files: with the disclosures of both
// sides, of one, of none.
type genuine struct {
	files   [][]byte // the first has all
	trusted jose.JSONWebKeySet
}

func genuineOf(t testing.TB, full []byte, trusted jose.JSONWebKeySet) genuine {
	t.Helper()
	g := genuine{trusted: trusted}
	f := must(decode[File](full, maxFile))(t)
	for _, keep := range [][]matching.Role{{"employer", "owner"}, {"employer"}, {"owner"}, {}} {
		some := f
		some.Disclosures = nil
		for _, d := range f.Disclosures {
			for _, r := range keep {
				if d.Role == r {
					some.Disclosures = append(some.Disclosures, d)
				}
			}
		}
		g.files = append(g.files, must(canonical(some))(t))
	}
	for i, data := range g.files {
		if r := VerifyFile(data, trusted); !r.OK || !r.Trusted {
			t.Fatalf("genuine file %d: %+v", i, r.Findings)
		}
	}
	if !bytes.Equal(g.files[0], full) {
		t.Fatal("the file is not the one with all disclosures")
	}
	return g
}

func (g genuine) is(data []byte) bool {
	for _, f := range g.files {
		if bytes.Equal(f, data) {
			return true
		}
	}
	return false
}

// refuse fails unless the bytes are refused. The house's keys are not given: they
// only add a finding, so what is refused without is refused with them.
func (g genuine) refuse(t testing.TB, what string, data []byte) {
	t.Helper()
	if g.is(data) {
		return
	}
	r := VerifyFile(data, jose.JSONWebKeySet{})
	bad := 0
	for _, f := range r.Findings {
		if !f.OK && f.Zh != "" && f.En != "" {
			bad++
		}
	}
	if r.OK || bad == 0 {
		t.Fatalf("%s: taken (%+v)", what, r.Findings)
	}
}

// masks are what a byte is changed by: one bit, another for each byte in turn; in
// the long proof each bit, and all.
func masks(i int) []byte {
	if os.Getenv("HEZUO_PROVE") != "full" {
		return []byte{1 << (i % 8)}
	}
	return []byte{1, 2, 4, 8, 16, 32, 64, 128, 255}
}

func (w *world) genuine(s sides) genuine {
	w.t.Helper()
	it := w.concluded(s)
	return genuineOf(w.t, must(w.agreements.File(w.t.Context(), s.owner.caller(), it.ID))(w.t), must(w.agreements.PlatformJWKS(w.t.Context()))(w.t))
}

// Any changed byte fails: each in turn, and many deleted, doubled or swapped with a
// neighbour; and random deletions and copies of more.
func TestAnyChangedByte(t *testing.T) {
	w := newWorld(t)
	g := w.genuine(w.sides())
	for part := range parts {
		t.Run(fmt.Sprintf("part %d", part), func(t *testing.T) {
			t.Parallel()
			for i := part; i < len(g.files[0]); i += parts {
				changedAt(t, g, i)
			}
			changedAtRandom(t, g, part)
		})
	}
	full := g.files[0]
	for _, tail := range []string{" ", "\n", "{}", string(full), "\x00"} {
		g.refuse(t, "a tail", append(bytes.Clone(full), tail...))
		g.refuse(t, "a head", append([]byte(tail), full...))
	}
	g.refuse(t, "indented", indented(t, full))
}

// parts is into how many that run at once the test is cut.
const parts = 4

// changedAt changes one byte of the file with all disclosures.
func changedAt(t *testing.T, g genuine, i int) {
	full := g.files[0]
	for _, m := range masks(i) {
		changed := bytes.Clone(full)
		changed[i] ^= m
		g.refuse(t, fmt.Sprintf("byte %d xor %#x", i, m), changed)
	}
	switch i / parts % 12 {
	case 1, 4, 7, 10:
		g.refuse(t, fmt.Sprintf("byte %d deleted", i), append(bytes.Clone(full[:i]), full[i+1:]...))
	case 0:
		g.refuse(t, fmt.Sprintf("byte %d doubled", i), append(append(bytes.Clone(full[:i+1]), full[i]), full[i+1:]...))
	case 3:
		g.refuse(t, fmt.Sprintf("a space at %d", i), append(append(bytes.Clone(full[:i]), ' '), full[i:]...))
	case 6:
		swapped := bytes.Clone(full)
		swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
		g.refuse(t, fmt.Sprintf("byte %d swapped with the one before", i), swapped)
	}
}

// changedAtRandom cuts, copies and deletes stretches of it, and changes bytes of the
// files with fewer disclosures.
func changedAtRandom(t *testing.T, g genuine, seed int) {
	full := g.files[0]
	random := mathrand.New(mathrand.NewPCG(1, uint64(seed)))
	for i := range 125 {
		a, b := random.IntN(len(full)), random.IntN(len(full)+1)
		a, b = min(a, b), max(a, b)
		c := random.IntN(len(full))
		g.refuse(t, fmt.Sprintf("deletion %d", i), append(bytes.Clone(full[:a]), full[b:]...))
		g.refuse(t, fmt.Sprintf("copy %d", i), append(append(bytes.Clone(full[:c]), full[a:b]...), full[c:]...))
		g.refuse(t, fmt.Sprintf("cut %d", i), full[:a])
		other := g.files[1+i%3]
		changed, at := bytes.Clone(other), random.IntN(len(other))
		changed[at] ^= byte(1 + random.IntN(255))
		g.refuse(t, fmt.Sprintf("file %d, byte %d to %#x", 1+i%3, at, changed[at]), changed)
	}
}

func indented(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every part of one agreement is refused in another's place, and in the place of
// another part of its own.
func TestPartsSwapped(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	a := w.genuine(s)
	w.clock.Add(48 * time.Hour)
	s2 := sides{employer: s.employer, owner: s.owner, employerParty: s.employerParty}
	form := cooperativeForm(t)
	form.CreditCode = creditCode(t, "93371502MA3C8D9G1")
	s2.ownerParty = s2.owner.party(form)
	b := w.genuine(s2) // the same people and keys
	one, two := must(decode[File](a.files[0], maxFile))(t), must(decode[File](b.files[0], maxFile))(t)

	swaps := map[string]func(x, y *File){
		"payload":              func(x, y *File) { x.Payload = y.Payload },
		"employer's signature": func(x, y *File) { x.Signatures[0] = y.Signatures[0] },
		"owner's signature":    func(x, y *File) { x.Signatures[1] = y.Signatures[1] },
		"both signatures":      func(x, y *File) { x.Signatures = y.Signatures },
		"payload and signatures": func(x, y *File) {
			x.Payload, x.Signatures, x.Disclosures = y.Payload, y.Signatures, y.Disclosures
		},
		"countersignature":         func(x, y *File) { x.Platform = y.Platform },
		"countersigned payload":    func(x, y *File) { x.Platform.Payload = y.Platform.Payload },
		"countersignature's bytes": func(x, y *File) { x.Platform.Signature = y.Platform.Signature },
		"disclosures":              func(x, y *File) { x.Disclosures = y.Disclosures },
		"employer's disclosures":   func(x, y *File) { x.Disclosures = append(y.Disclosures[:1:1], x.Disclosures[1:]...) },
		"own signatures reordered": func(x, _ *File) { x.Signatures[0], x.Signatures[1] = x.Signatures[1], x.Signatures[0] },
		"own signatures and bindings reordered": func(x, _ *File) {
			x.Signatures[0], x.Signatures[1] = x.Signatures[1], x.Signatures[0]
			x.Bindings[0], x.Bindings[1] = x.Bindings[1], x.Bindings[0]
		},
		"own bindings reordered":    func(x, _ *File) { x.Bindings[0], x.Bindings[1] = x.Bindings[1], x.Bindings[0] },
		"own disclosures reordered": func(x, _ *File) { x.Disclosures[0], x.Disclosures[1] = x.Disclosures[1], x.Disclosures[0] },
		"the employer's twice":      func(x, _ *File) { x.Signatures[1], x.Bindings[1] = x.Signatures[0], x.Bindings[0] },
		"three signatures":          func(x, _ *File) { x.Signatures = append(x.Signatures, x.Signatures[0]) },
		"one signature":             func(x, _ *File) { x.Signatures = x.Signatures[:1] },
		"no signatures":             func(x, _ *File) { x.Signatures = nil },
		"no bindings":               func(x, _ *File) { x.Bindings = []Binding{} },
		"a header for another":      func(x, y *File) { x.Signatures[0].Protected = y.Signatures[0].Protected },
		"another type":              func(x, _ *File) { x.Type = contractType },
		"another version":           func(x, _ *File) { x.Version = 2 },
		"another key of the house":  func(x, _ *File) { x.Platform.Key.X = b64(make([]byte, 32)) },
		"a kid of the house":        func(x, _ *File) { x.Platform.Key.Kid = "other" },
		"how a key was proven":      func(x, _ *File) { x.Bindings[0].Proof.How = "vouched"; x.Bindings[0].Proof.By = "x" },
		"since when a key is":       func(x, _ *File) { x.Bindings[0].ActiveFrom = x.Bindings[0].ActiveFrom.Add(time.Second) },
	}
	for name, swap := range swaps {
		for _, pair := range [][2]File{{one, two}, {two, one}} {
			x, y := clone(t, pair[0]), clone(t, pair[1])
			swap(&x, &y)
			data := must(canonical(x))(t)
			if a.is(data) || b.is(data) {
				if name != "both signatures" && name != "countersignature" {
					t.Logf("%s changes nothing", name)
				}
				continue
			}
			for _, trusted := range []jose.JSONWebKeySet{a.trusted, {}} {
				if r := VerifyFile(data, trusted); r.OK {
					t.Errorf("%s: taken", name)
				}
			}
		}
	}
	w.check()
}

func clone(t testing.TB, f File) File {
	t.Helper()
	return must(decode[File](must(canonical(f))(t), maxFile))(t)
}

// forgery is what somebody makes who has keys of their own and our code, but not the
// house's key.
type forgery struct {
	contract Contract
	devices  [2]device
	bindings [2]Binding
	headers  [2]Header
	at       time.Time
	private  ed25519.PrivateKey
	edit     func(*Statement)
}

// make signs it all.
func (f *forgery) make(t testing.TB) []byte {
	t.Helper()
	payload := must(canonical(f.contract))(t)
	a := Agreement{Handshake: f.contract.Handshake, Payload: string(payload), SignedAt: f.at}
	for i, r := range roles {
		protected := b64(must(canonical(f.headers[i]))(t))
		a.Signatures = append(a.Signatures, Signature{
			Role: r, Party: f.headers[i].Party, Person: f.headers[i].Signer, Protected: protected,
			Signature: f.devices[i].sign(t, signingInput(protected, b64(payload))), At: f.at, Binding: f.bindings[i],
		})
	}
	statement := must(a.statement())(t)
	if f.edit != nil {
		f.edit(&statement)
	}
	public, _ := f.private.Public().(ed25519.PublicKey)
	a.Countersignature = must(countersign(f.private, platformJWK(public), statement))(t)
	return must(a.file(nil))(t)
}

// Whoever signs everything anew with keys of their own is found by the house's key;
// and even the house's key gives no agreement that contradicts itself.
func TestForged(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	it := w.concluded(s)
	trusted := must(w.agreements.PlatformJWKS(t.Context()))(t)
	ringDoc := must(w.agreements.platform.Get(t.Context(), ringID))(t)
	house := must(w.agreements.openKey(t.Context(), ringDoc.Doc.Keys[0]))(t)
	_, own, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *forgery {
		f := &forgery{contract: must(it.Doc.Contract())(t), at: it.Doc.SignedAt, private: house}
		for i, r := range roles {
			f.devices[i], f.bindings[i] = s.of(r).device, it.Doc.Signatures[i].Binding
			f.headers[i] = must(parseHeader(it.Doc.Signatures[i].Protected))(t)
		}
		return f
	}
	if r := VerifyFile(fresh().make(t), trusted); !r.OK || !r.Trusted {
		t.Fatalf("the forger's tools do not work: %+v", r.Findings)
	}

	f := fresh()
	f.private, f.contract.Terms.Pay.Amount = own, 1
	f.contract.TermsSHA256 = must(f.contract.Terms.hash())(t)
	data := f.make(t)
	if r := VerifyFile(data, trusted); r.OK || r.Trusted {
		t.Errorf("signed by another house: %+v", r.Findings)
	}
	if r := VerifyFile(data, jose.JSONWebKeySet{}); !r.OK || r.Trusted || r.PlatformKey == trusted.Keys[0].KeyID {
		t.Errorf("without keys: %+v", r)
	}

	rehash := func(f *forgery) { f.contract.TermsSHA256 = must(f.contract.Terms.hash())(t) }
	for name, forge := range map[string]func(*forgery){
		"terms of another hash":       func(f *forgery) { f.contract.Terms.People++ },
		"no people":                   func(f *forgery) { f.contract.Terms.People = 0; rehash(f) },
		"no pay":                      func(f *forgery) { f.contract.Terms.Pay.Amount = 0; rehash(f) },
		"a unit of pay that is none":  func(f *forgery) { f.contract.Terms.Pay.Unit = "week"; rehash(f) },
		"a pay day that is none":      func(f *forgery) { f.contract.Terms.PayDay = "never"; rehash(f) },
		"a date that is none":         func(f *forgery) { f.contract.Terms.Period.From = "2026-02-30"; rehash(f) },
		"an end before the beginning": func(f *forgery) { f.contract.Terms.Period.To = "2020-01-01"; rehash(f) },
		"a provider that is none":     func(f *forgery) { f.contract.Terms.Tools = "god"; rehash(f) },
		"hours that are none":         func(f *forgery) { f.contract.Terms.HoursPerDay = 25; rehash(f) },
		"no task":                     func(f *forgery) { f.contract.Terms.Task = ""; rehash(f) },
		"another type":                func(f *forgery) { f.contract.Type = "hezuo.dispatch" },
		"another version":             func(f *forgery) { f.contract.Version = 2 },
		"no statement":                func(f *forgery) { f.contract.Statement = "" },
		"another statement":           func(f *forgery) { f.contract.Statement += "。" },
		"no market":                   func(f *forgery) { f.contract.Market = "" },
		"another handshake":           func(f *forgery) { f.contract.Handshake = ""; f.edit = nil },
		"a party twice": func(f *forgery) {
			f.contract.Parties.Owner.ID, f.headers[1].Party = f.headers[0].Party, f.headers[0].Party
		},
		"a cooperative that employs": func(f *forgery) { f.contract.Parties.Employer.Kind = "cooperative" },
		"a kind that is none":        func(f *forgery) { f.contract.Parties.Owner.Kind = "gang" },
		"a company without code":     func(f *forgery) { f.contract.Parties.Employer.CreditCode = "" },
		"a commitment that is none":  func(f *forgery) { f.contract.Parties.Employer.Commitments.Representative = "孙代表甲" },
		"no commitment":              func(f *forgery) { f.contract.Parties.Employer.Commitments = Commitments{} },
		"no name":                    func(f *forgery) { f.contract.Parties.Employer.Name = "" },
		"a signature for the other":  func(f *forgery) { f.headers[0].Role = matching.Owner },
		"two for the employer": func(f *forgery) {
			f.headers[1] = f.headers[0]
			f.devices[1] = f.devices[0]
			f.bindings[1] = f.bindings[0]
		},
		"a signature for another": func(f *forgery) { f.headers[0].Party = "y-other" },
		"a signature by another":  func(f *forgery) { f.headers[0].Signer = s.owner.ID },
		"another's key":           func(f *forgery) { f.devices[0] = f.devices[1] },
		"another's key and kid":   func(f *forgery) { f.devices[0], f.headers[0].Key = f.devices[1], f.headers[1].Key },
		"another's key, kid, binding": func(f *forgery) {
			f.devices[0], f.headers[0].Key, f.bindings[0] = f.devices[1], f.headers[1].Key, f.bindings[1]
		},
		"a key given to another":    func(f *forgery) { f.bindings[0].Person, f.headers[0].Signer = "p-other", "p-other" },
		"a thumbprint that is none": func(f *forgery) { f.bindings[0].Thumbprint, f.headers[0].Key = "x", "x" },
		"a thumbprint that was proven": func(f *forgery) {
			f.bindings[0].Thumbprint, f.headers[0].Key = "x", "x"
			f.bindings[0].Proof.Possession = f.devices[0].sign(t, f.bindings[0].challenge())
		},
		"a kid that is another's":      func(f *forgery) { f.headers[0].Key = f.headers[1].Key },
		"a key with more":              func(f *forgery) { f.bindings[0].Key.Use = "sig" },
		"a proof that is none":         func(f *forgery) { f.bindings[0].Proof.Possession = f.bindings[1].Proof.Possession },
		"a proof of another code":      func(f *forgery) { f.bindings[0].Proof.Code = "c-other" },
		"a proof of no kind":           func(f *forgery) { f.bindings[0].Proof.How = "sworn" },
		"a key that was vouched by no": func(f *forgery) { f.bindings[0].Proof.How = "vouched" },
		"a key that did not wait":      func(f *forgery) { f.bindings[0].Proof.How = "waited" },
		"a key before its time":        func(f *forgery) { f.bindings[0].ActiveFrom = f.bindings[0].Registered.Add(-time.Second) },
		"signed before the key":        func(f *forgery) { f.bindings[0].ActiveFrom = f.at.Add(time.Second) },
		"shown after it was signed":    func(f *forgery) { f.headers[0].Shown = f.at.Add(time.Hour).Format(time.RFC3339) },
		"shown long before":            func(f *forgery) { f.headers[0].Shown = f.at.Add(-time.Hour).Format(time.RFC3339) },
		"another algorithm":            func(f *forgery) { f.headers[0].Algorithm = "none" },
		"signed later than signed":     func(f *forgery) { f.edit = func(s *Statement) { s.SignedAt = s.SignedAt.Add(time.Second) } },
		"signed never":                 func(f *forgery) { f.edit = func(s *Statement) { s.SignedAt = time.Time{} } },
		"countersigned as another":     func(f *forgery) { f.edit = func(s *Statement) { s.Agreement = "a-other" } },
		"another contract's hash":      func(f *forgery) { f.edit = func(s *Statement) { s.PayloadSHA256 = sum(nil) } },
		"other bindings":               func(f *forgery) { f.edit = func(s *Statement) { s.BindingsSHA256 = sum(nil) } },
		"one signature countersigned":  func(f *forgery) { f.edit = func(s *Statement) { s.Signatures = s.Signatures[:1] } },
		"countersigned roles swapped": func(f *forgery) {
			f.edit = func(s *Statement) { s.Signatures[0], s.Signatures[1] = s.Signatures[1], s.Signatures[0] }
		},
		"countersigned for another":        func(f *forgery) { f.edit = func(s *Statement) { s.Signatures[0].Party = "y-other" } },
		"a countersignature of no type":    func(f *forgery) { f.edit = func(s *Statement) { s.Type = "" } },
		"a countersignature of no version": func(f *forgery) { f.edit = func(s *Statement) { s.Version = 0 } },
	} {
		f := fresh()
		forge(f)
		if r := VerifyFile(f.make(t), trusted); r.OK {
			t.Errorf("%s: taken", name)
		}
	}
}

// A countersignature stands in one form only, also where the house itself signs.
func TestCountersignatureRefuses(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := Statement{Type: statementType, Version: version}
	good := must(countersign(private, platformJWK(public), s))(t)
	if _, err := good.verify(); err != nil {
		t.Fatal(err)
	}
	with := func(key JWK, header any) Countersignature {
		c := good
		c.Key, c.Protected = key, b64(must(canonical(header))(t))
		c.Signature = b64(ed25519.Sign(private, signingInput(c.Protected, c.Payload)))
		return c
	}
	key := platformJWK(public)
	header := counterHeader{counterAlgorithm, key.Kid, counterType}
	if c := with(key, header); c != good {
		t.Fatal("the tools do not work")
	}
	for name, change := range map[string]func(*JWK, *counterHeader){
		"another alg":      func(_ *JWK, h *counterHeader) { h.Algorithm = "none" },
		"another typ":      func(_ *JWK, h *counterHeader) { h.Type = "JWT" },
		"another kid":      func(_ *JWK, h *counterHeader) { h.Key = "x" },
		"another name":     func(k *JWK, h *counterHeader) { k.Kid, h.Key = "x", "x" },
		"another use":      func(k *JWK, _ *counterHeader) { k.Use = "enc" },
		"no alg":           func(k *JWK, _ *counterHeader) { k.Alg = "" },
		"another kty":      func(k *JWK, _ *counterHeader) { k.Kty = "EC" },
		"a second half":    func(k *JWK, _ *counterHeader) { k.Y = k.X },
		"a short key":      func(k *JWK, _ *counterHeader) { k.X = b64(public[:31]) },
		"a key of no form": func(k *JWK, _ *counterHeader) { k.X = "x=" },
	} {
		k, h := key, header
		change(&k, &h)
		c := with(k, h)
		if _, err := c.verify(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	more := with(key, map[string]any{"alg": counterAlgorithm, "kid": key.Kid, "typ": counterType, "crit": []string{"x"}})
	if _, err := more.verify(); err == nil {
		t.Error("a header with crit: taken")
	}
}
