package agreement

import (
	"crypto"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"hezuo/identity"
	"hezuo/market"
)

// shape lists the JSON fields of a type, with the kinds of their values.
func shape(t reflect.Type, path string, out map[string]string) map[string]string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		out[path] = t.Kind().String()
		return out
	}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		shape(t.Field(i).Type, path+"."+name+"["+options+"]", out)
	}
	return out
}

// The market's terms and identity's statements of today have exactly the fields that
// version 1 froze. When this fails, do not change the frozen types: a version 2 is
// due.
func TestFrozenTypesFit(t *testing.T) {
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[market.Terms](), reflect.TypeFor[Terms]()},
		{reflect.TypeFor[identity.Binding](), reflect.TypeFor[Binding]()},
	} {
		today, frozen := shape(pair[0], "", map[string]string{}), shape(pair[1], "", map[string]string{})
		if !reflect.DeepEqual(today, frozen) {
			t.Errorf("%s is\n%v\nand version 1 froze\n%v", pair[0], today, frozen)
		}
	}
	if keyDelay != identity.DeviceDelay {
		t.Error("identity lets keys wait for another time")
	}
	b := Binding{Person: "p1", Thumbprint: "t1", Proof: Proof{Code: "c1"}}
	if string(b.challenge()) != string(identity.Challenge("p1", "t1", "c1")) {
		t.Error("identity has another challenge")
	}
	for _, how := range []identity.ProofKind{identity.ProofFirst, identity.ProofVouched, identity.ProofWaited} {
		if how != "first" && how != "vouched" && how != "waited" {
			t.Errorf("identity proves keys as %s", how)
		}
	}
}

func words(most int) *rapid.Generator[string] {
	special := rapid.RuneFrom([]rune("<>&\"\\/\u2028\n\t苹果e\u0301😀\ufffd"))
	return rapid.StringOfN(rapid.OneOf(special, rapid.RuneFrom(nil, unicode.Han, unicode.L, unicode.M, unicode.P, unicode.S)), 2, most, -1)
}

func anyTerms() *rapid.Generator[market.Terms] {
	provider := rapid.SampledFrom([]market.Provider{market.ByEmployer, market.ByTeam, market.ByNobody})
	return rapid.Custom(func(t *rapid.T) market.Terms {
		from := market.Date("2026-03-01").Add(rapid.IntRange(0, 2000).Draw(t, "from"))
		terms := market.Terms{
			Task: words(200).Draw(t, "task"), Trade: rapid.SampledFrom(market.Trades()).Draw(t, "trade").Code,
			Site:        market.Site{Place: market.Towns(county)[0].Code, Detail: words(20).Draw(t, "detail")},
			Period:      market.Period{From: from, To: from.Add(rapid.IntRange(0, 365).Draw(t, "days"))},
			HoursPerDay: float64(rapid.IntRange(1, 24).Draw(t, "hours")) / 2, People: rapid.IntRange(1, 1000).Draw(t, "people"),
			Pay: market.Pay{
				Amount: market.Fen(rapid.Int64Range(1, 100_000_000).Draw(t, "pay")),
				Unit:   rapid.SampledFrom([]market.PayUnit{market.PerHour, market.PerDay, market.PerItem, market.LumpSum}).Draw(t, "unit"),
			},
			PayDay:     rapid.SampledFrom([]market.PayDay{market.PayDaily, market.PayWeekly, market.PayMonthly, market.PayOnCompletion}).Draw(t, "day"),
			Conditions: market.Conditions{Meals: provider.Draw(t, "meals"), Lodging: provider.Draw(t, "lodging"), Transport: provider.Draw(t, "transport")},
			Insurance:  provider.Draw(t, "insurance"), Tools: provider.Draw(t, "tools"),
			Safety: words(20).Draw(t, "safety"), Weather: words(20).Draw(t, "weather"), Cancellation: words(20).Draw(t, "cancellation"),
		}
		if rapid.Bool().Draw(t, "located") {
			terms.Site.Point = &market.Point{Lat: rapid.Float64Range(-90, 90).Draw(t, "lat"), Lon: rapid.Float64Range(-180, 180).Draw(t, "lon")}
		}
		return terms
	})
}

// Whatever terms the market accepts are in a contract byte for byte.
func TestTermsToTheByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms().Draw(t, "terms")
		if err := terms.Validate("terms"); err != nil && strings.ContainsFunc(terms.Task, func(r rune) bool { return !unicode.IsSpace(r) }) {
			t.Skip(err) // blank text, or what looks like a number of a person
		}
		accepted, err := terms.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		frozen, err := decode[Terms](accepted, maxContract)
		if err != nil {
			t.Fatalf("%s: %v", accepted, err)
		}
		if err := frozen.check(); err != nil {
			t.Fatalf("%s: %v", accepted, err)
		}
		again, err := canonical(frozen)
		if err != nil || string(again) != string(accepted) {
			t.Fatalf("%s became %s", accepted, again)
		}
		hash, err := terms.Hash()
		if mine, errMine := frozen.hash(); err != nil || errMine != nil || mine != hash {
			t.Fatalf("hash %s, not %s", mine, hash)
		}
	})
}

func TestDecodeTakesOneFormOnly(t *testing.T) {
	const good = `{"from":"2026-03-01","to":"2026-03-02"}`
	if _, err := decode[Period]([]byte(good), 100); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		``, ` ` + good, good + "\n", good + good, `{"to":"2026-03-02","from":"2026-03-01"}`,
		`{"from":"2026-03-01","to": "2026-03-02"}`, `{"from":"2026-03-01"}`, `{"From":"2026-03-01","to":"2026-03-02"}`,
		`{"from":"2026-03-01","from":"2026-03-01","to":"2026-03-02"}`, `{"from":"2026-03-01","to":"2026-03-02","x":1}`,
		`{"from":"2026-03-0\u0031","to":"2026-03-02"}`, `{"from":null,"to":"2026-03-02"}`, `[]`, `null`, `"` + good + `"`, `{"from":1,"to":""}`,
		"{\"from\":\"\xff\",\"to\":\"\"}", `{"from":"\ud800","to":""}`, strings.Repeat("[", 99),
	} {
		if _, err := decode[Period]([]byte(bad), 100); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := decode[Period]([]byte(good), len(good)-1); err == nil {
		t.Error("what is too large is taken")
	}
	for _, bad := range []string{`1.0`, `10e-1`, `01`, `-0`, `1e0`, `+1`} {
		if _, err := decode[float64]([]byte(bad), 100); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestUnb64TakesOneFormOnly(t *testing.T) {
	if b, err := unb64("-_8"); err != nil || string(b) != "\xfb\xff" {
		t.Errorf("%q, %v", b, err)
	}
	for _, bad := range []string{"-_8=", "+/8", "-_9", "-_8\n", "-\r_8", "a", " -_8"} {
		if _, err := unb64(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// Salt and value cannot be divided elsewhere, and other spellings of a value are
// other values.
func TestCommitment(t *testing.T) {
	salt := strings.Repeat("ab", saltDigits/2)
	a := must(commit(salt, "张三"))(t)
	if a != sum([]byte(salt+`"张三"`)) || len(a) != 64 {
		t.Errorf("commitment %s", a)
	}
	c := Contract{Parties: Parties{
		Employer: Party{Commitments: Commitments{FullName: a, IdentityNumber: must(commit(salt, "1"))(t)}},
		Owner:    Party{Commitments: Commitments{Representative: must(commit(salt, "李四"))(t)}},
	}}
	name, number, rep := Disclosure{"employer", "full_name", salt, "张三"}, Disclosure{"employer", "identity_number", salt, "1"}, Disclosure{"owner", "representative", salt, "李四"}
	for _, good := range [][]Disclosure{nil, {name, number}, {rep}, {name, number, rep}} {
		if err := checkDisclosures(&c, good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	// Without a fixed length, a quotation mark in a value would let it be cut there.
	quoted := Contract{Parties: Parties{Owner: Party{Commitments: Commitments{Representative: must(commit(salt, `李"四`))(t)}}}}
	if checkDisclosures(&quoted, []Disclosure{{"owner", "representative", salt, `李"四`}}) != nil {
		t.Error("a value with a quotation mark is refused")
	}
	if got := must(commit(salt+`"李\`, `四`))(t); got != quoted.Parties.Owner.Commitments.Representative {
		t.Error("the test has nothing to refuse")
	}
	if checkDisclosures(&quoted, []Disclosure{{"owner", "representative", salt + `"李\`, `四`}}) == nil {
		t.Error("a value cut in two is taken")
	}
	longer, upper, other := name, name, name
	longer.Salt, longer.Value = salt+`"`, `张三`
	upper.Salt = strings.ToUpper(salt)
	other.Value = "张三 "
	for _, bad := range [][]Disclosure{
		{name},
		{number},
		{number, name},
		{rep, name, number},
		{name, number, rep, rep},
		{name, number, name, number},
		{longer, number},
		{upper, number},
		{other, number},
		{name, {"owner", "identity_number", salt, "1"}},
		{{"", "full_name", salt, "张三"}},
		{name, number, {"owner", "full_name", salt, "李四"}},
	} {
		if err := checkDisclosures(&c, bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", name, &name, name, []Disclosure{name}); strings.Contains(s, "张三") || strings.Contains(s, salt) {
		t.Errorf("printed as %s", s)
	}
}

// The thumbprints are those of RFC 7638.
func TestThumbprint(t *testing.T) {
	for _, key := range []string{
		`{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`,
		`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, // RFC 8037, appendix A.3
	} {
		var mine JWK
		var theirs jose.JSONWebKey
		if err := json.Unmarshal([]byte(key), &mine); err != nil {
			t.Fatal(err)
		}
		if err := theirs.UnmarshalJSON([]byte(key)); err != nil {
			t.Fatal(err)
		}
		if want := must(theirs.Thumbprint(crypto.SHA256))(t); mine.thumbprint() != b64(want) {
			t.Errorf("%s, not %s", mine.thumbprint(), b64(want))
		}
	}
}
