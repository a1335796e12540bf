package test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hezuo/market"
)

// bad is one bad value of one field in an otherwise good body.
type bad struct {
	path  string // of the field that is changed
	value any
	field string // that the answer must name; empty: the path
}

// form is a kind of body with everything bad that can be in it.
type form struct {
	name  string
	route string // that makes a document of it
	good  body
	bad   []bad
}

// A phone in a text, as people write it; none may come back in an answer.
const hiddenPhone = "联系 138 1234-5678 老王"

func long(n int) string { return strings.Repeat("长", n) }

// anySite are the bad values of a place of work, or a team's home.
func anySite(field string) []bad {
	return []bad{
		{field, "聊城", ""},
		{field + ".place", "999999", ""},
		{field + ".place", "37150", ""},
		{field + ".place", "聊城市东昌府区", ""},
		{field + ".detail", long(201), ""},
		{field + ".detail", hiddenPhone, ""},
		{field + ".detail", "果园\x00北", ""},
		{field + ".point", body{"lat": 91.0, "lon": 0.0}, field + ".point.lat"},
		{field + ".point", body{"lat": 0.0, "lon": -180.5}, field + ".point.lon"},
		{field + ".point", "36.4,115.9", ""},
		{field + ".point.lat", "北纬36", ""},
		{field + ".point.lon", drop, ""},
		{field + ".point.lon", "东经115", ""},
	}
}

func jobForm(employer string) form {
	return form{"job", "POST /v1/jobs", jobBody(employer, days(10, 3), 5), append([]bad{
		{"employer", "y-nobody", ""},
		{"employer", long(41), ""},
		{"title", "摘", ""},
		{"title", "   ", ""},
		{"title", long(61), ""},
		{"title", hiddenPhone, ""},
		{"title", "采摘\u0007工", ""},
		{"trade", "astronaut", ""},
		{"trade", "", ""},
		{"duties", "短", ""},
		{"duties", long(2001), ""},
		{"duties", "加微信 13812345678 详谈", ""},
		{"duties", "身份证 11010519491231002X", ""},
		{"requirements", "", ""},
		{"requirements", long(1001), ""},
		{"requirements", "电话：１３８１２３４５６７８", ""},
		{"headcount", 0, ""},
		{"headcount", -3, ""},
		{"headcount", 1001, ""},
		{"headcount", 2.5, ""},
		{"headcount", 1e30, ""},
		{"period", "明天", ""},
		{"period.from", day(-1), ""},
		{"period.from", "2026-02-30", ""},
		{"period.from", "30.11.2026", ""},
		{"period", body{"from": day(400), "to": day(401)}, "period.from"},
		{"period.to", day(9), ""},
		{"period.to", day(10 + 366), ""},
		{"period.to", "2027-13-01", ""},
		{"hours_per_day", 0, ""},
		{"hours_per_day", 12.5, ""},
		{"hours_per_day", 7.3, ""},
		{"hours_per_day", -8, ""},
		{"pay", 120, ""},
		{"pay.amount_fen", 0, ""},
		{"pay.amount_fen", -1, ""},
		{"pay.amount_fen", 100_000_001, ""},
		{"pay.amount_fen", 120.5, ""},
		{"pay.unit", "month", ""},
		{"conditions", []string{"meals"}, ""},
		{"conditions.meals", "boss", ""},
		{"conditions.lodging", "", ""},
		{"conditions.transport", "EMPLOYER", ""},
		{"deadline", time.Now().Add(-time.Hour), ""},
		{"deadline", day(13).Start().Add(time.Second), ""},
		{"deadline", "明天中午", ""},
		{"deadline", "2027-01-01", ""},
		{"source", long(201), ""},
		{"source", "来自 13812345678", ""},
	}, anySite("site")...)}
}

func teamForm(owner string) form {
	return form{"team", "POST /v1/teams", teamBody(owner, days(10, 3), 5), append([]bad{
		{"owner", "y-nobody", ""},
		{"owner", long(41), ""},
		{"name", "队", ""},
		{"name", long(41), ""},
		{"name", hiddenPhone, ""},
		{"trades", []string{}, ""},
		{"trades", elevenTrades(), ""},
		{"trades[0]", "astronaut", ""},
		{"trades", []string{"weeding", "weeding"}, "trades[1]"},
		{"headcount", 0, ""},
		{"headcount", 1001, ""},
		{"smallest_group", 0, ""},
		{"smallest_group", 6, ""},
		{"free", []body{}, ""},
		{"free", []body{days(1, 3), days(3, 3)}, "free[1]"},
		{"free", []body{days(1, 367)}, "free[0].to"},
		{"free[0]", "整年", ""},
		{"free[0].from", "2026-02-30", ""},
		{"free[0].to", day(9), ""},
		{"free", []body{days(-5, 2)}, "free[0].to"},
		{"radius_km", 0.5, ""},
		{"radius_km", 501, ""},
		{"lowest_pay_fen", -1, ""},
		{"lowest_pay_fen", 100_000_001, ""},
		{"about", long(501), ""},
		{"about", hiddenPhone, ""},
	}, anySite("base")...)}
}

func elevenTrades() []string {
	var out []string
	for _, t := range market.Trades()[:11] {
		out = append(out, t.Code)
	}
	return out
}

// partyForms gives the forms of each kind of party.
func partyForms() []form {
	phone := "19900009999"
	good := func(kind market.PartyKind, n int64) body { return partyBody(kind, n, phone) }
	anybodys := []bad{
		{"kind", "广告公司", ""},
		{"market", "999999", ""},
		{"market", "371502001", ""},
		{"market", "聊城", ""},
		{"market", "371526", ""}, // a county without a market
		{"name", "公", ""},
		{"name", long(101), ""},
		{"name", "公司\u0000", ""},
		{"contact_name", "李", ""},
		{"contact_name", long(51), ""},
		{"contact_name", hiddenPhone, ""},
		{"contact_phone", "12345678901", ""},
		{"contact_phone", "138123456789", ""},
		{"contact_phone", "0635-8234567", ""},
		{"contact_phone", "不告诉你", ""},
		{"contact_phone", "", ""},
	}
	registered := append([]bad{
		{"credit_code", "", ""},
		{"credit_code", swapped(creditCode("91", 9001)), ""},
		{"credit_code", "一二三四五六七八九十一二三四五六七八", ""},
		{"credit_code", "000000000000000000", ""},
		{"credit_code", long(41), ""},
		{"identity_number", identityNumber(7), ""},
		{"representative", "", ""},
		{"representative", "张", ""},
		{"representative", long(51), ""},
		{"representative", hiddenPhone, ""},
	}, anybodys...)
	return []form{
		{"company", "POST /v1/parties", good(market.Company, 9001), append([]bad{
			{"members", 12, ""},
			{"farmer_share", 90, "members"},
			{"licence", body{"number": "RL000001", "expires": day(100)}, ""},
		}, registered...)},
		{"individual", "POST /v1/parties", good(market.Individual, 9002), append([]bad{
			{"identity_number", "", ""},
			{"identity_number", "110105491231002", ""},
			{"identity_number", "110105194912310021", ""},
			{"identity_number", "11010519991332002X", ""},
			{"identity_number", long(41), ""},
			{"credit_code", creditCode("91", 9003), ""},
			{"representative", "张三", ""},
		}, anybodys...)},
		{"cooperative", "POST /v1/parties", good(market.Cooperative, 9004), append([]bad{
			{"credit_code", creditCode("91", 9005), ""},
			{"members", 4, ""},
			{"members", 0, ""},
			{"members", 100_001, ""},
			{"farmer_share", 79, ""},
			{"farmer_share", 101, ""},
			{"licence", body{"number": "RL000001", "expires": day(100)}, ""},
		}, registered...)},
		{"agency", "POST /v1/parties", good(market.Agency, 9006), append([]bad{
			{"licence", drop, ""},
			{"licence", "有", ""},
			{"licence.number", "RL1", ""},
			{"licence.number", long(41), ""},
			{"licence.number", hiddenPhone, ""},
			{"licence.expires", day(-1), ""},
			{"licence.expires", "2028-02-30", ""},
			{"members", 12, ""},
		}, registered...)},
	}
}

// swapped gives a code with two neighbours in each other's place.
func swapped(code string) string { return code[:13] + code[14:15] + code[13:14] + code[15:] }

// bench is what bad input is thrown at: an employer and a cooperative's leader
// with a draft of each kind.
type bench struct {
	*town
	employer, coop *person
	forms          []form
	drafts         map[string]string // paths of documents, by the form's name
}

func newBench(t *testing.T) *bench {
	p := newPremises(t)
	b := &bench{town: p.found(t, p.serve()), drafts: map[string]string{}}
	b.employer, b.coop = b.somebodyWith(market.Company), b.somebodyWith(market.Cooperative)
	b.forms = append(partyForms(), jobForm(b.employer.party), teamForm(b.coop.party))
	for _, f := range b.forms {
		_, path, _ := strings.Cut(f.route, " ")
		b.drafts[f.name] = path + "/" + b.must(plainly(t.Context(), b.who(f), path, f.good)).ID
	}
	return b
}

// who writes the form.
func (b *bench) who(f form) *person {
	if f.name == "team" || f.name == "cooperative" {
		return b.coop
	}
	return b.employer
}

// stored gives everything that may have changed, as the API lists it.
func (b *bench) stored() string {
	var out bytes.Buffer
	for _, q := range []request{
		{path: "/v1/me/parties", token: b.employer.token()},
		{path: "/v1/me/parties", token: b.coop.token()},
		{path: "/v1/parties/" + b.employer.party + "/jobs?limit=200", token: b.employer.token()},
		{path: "/v1/parties/" + b.coop.party + "/teams?limit=200", token: b.coop.token()},
		{path: "/v1/markets/" + county + "/queue", token: b.operator.token()},
	} {
		q.method = "GET"
		a := b.ask(q)
		fmt.Fprintf(&out, "%d %s\n", a.status, a.body)
	}
	return out.String()
}

// TestBadInput sends every bad value, once to make a document and once to change
// one: each is refused by its name with a fix, none comes back, nothing is stored.
func TestBadInput(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.stored()
	for _, f := range b.forms {
		for _, x := range append(f.bad, b.wrongKinds(t, f)...) {
			b.refuse(t, f, x)
		}
	}
	if after := b.stored(); after != before {
		t.Errorf("bad input changed what is stored:\n%s\n%s", before, after)
	}
	b.stop()
	b.check()
	for collection, want := range map[string]int{"jobs": 1, "teams": 1, "parties": 2 + 4} {
		if got := b.trails(t, collection); got != want {
			t.Errorf("the store knows %d %s, not %d", got, collection, want)
		}
	}
}

// refuse sends one bad body to both routes that take it.
func (b *bench) refuse(t *testing.T, f form, x bad) {
	t.Helper()
	field := x.field
	if field == "" {
		field = x.path
	}
	_, path, _ := strings.Cut(f.route, " ")
	sent := set(f.good, x.path, x.value)
	asked := []request{{method: "POST", path: path, body: sent}}
	if x.path != "employer" && x.path != "owner" {
		asked = append(asked, request{method: "PUT", path: b.drafts[f.name], body: without(without(sent, "employer"), "owner")})
	}
	for _, q := range asked {
		q.token = b.who(f).token()
		a := b.ask(q)
		at := fmt.Sprintf("%s %s: %s = %.80v", q.method, f.name, x.path, x.value)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d\n%s", at, a.status, a.body)
			continue
		}
		if p := a.problem(t); !names(p, field) || p.Fix == "" {
			t.Errorf("%s: the answer does not name %s with a fix\n%s", at, field, a.body)
		}
		if s, ok := x.value.(string); ok && len(s) > 3 && bytes.Contains(a.body, []byte(s)) {
			t.Errorf("%s: the value comes back\n%s", at, a.body)
		}
		if bytes.Contains(a.body, []byte("5678")) || bytes.Contains(a.body, []byte("19491231")) {
			t.Errorf("%s: a number of a person comes back\n%s", at, a.body)
		}
	}
}
