package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hezuo/identity"
	"hezuo/market"
)

// The county of most tests' market, and another one.
const (
	county  = "371502"
	county2 = "371525"
)

// body is a request's JSON object, for tables that change one field of it.
type body = map[string]any

// creditCode gives a good credit code: of a cooperative if it begins with 93.
func creditCode(kind string, n int64) string {
	first17 := fmt.Sprintf("%s%sMA%07d", kind, county, n)
	check, err := market.CreditCodeCheck(first17)
	if err != nil {
		panic(err) // a defect of this function
	}
	return first17 + string(check)
}

// identityNumber gives a good citizen identity number, of nobody: the day of birth
// follows from n.
func identityNumber(n int64) string {
	born := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n%10000))
	first17 := county + born.Format("20060102") + "001"
	for _, check := range "0123456789X" {
		if s := first17 + string(check); identity.ValidateIdentityNumber(s) == nil {
			return s
		}
	}
	panic("no check character fits " + first17)
}

// partyBody gives a good form of a party: its numbers follow from n.
func partyBody(kind market.PartyKind, n int64, phone string) body {
	b := body{
		"kind": kind, "market": county, "name": fmt.Sprintf("聊城市第%d号", n),
		"contact_name": "李四", "contact_phone": phone,
	}
	switch kind {
	case market.Individual:
		b["name"], b["identity_number"] = "王小明", identityNumber(n)
		return b
	case market.Company:
		b["credit_code"] = creditCode("91", n)
	case market.Cooperative:
		b["credit_code"], b["members"], b["farmer_share"] = creditCode("93", n), 12, 90
	case market.Agency:
		b["credit_code"] = creditCode("91", n)
		b["licence"] = body{"number": fmt.Sprintf("RL%06d", n), "expires": day(400)}
	}
	b["representative"] = "张三"
	return b
}

// day gives the date n days from today.
func day(n int) market.Date { return market.DateOf(time.Now()).Add(n) }

// days gives a period of n days that begins so many days from today.
func days(from, n int) body { return body{"from": day(from), "to": day(from + n - 1)} }

// jobBody gives a good post of a job.
func jobBody(employer string, period body, people int) body {
	from, ok := period["from"].(market.Date)
	if !ok {
		panic("a period from days is needed")
	}
	return body{
		"employer": employer, "title": "采摘苹果", "trade": "apple-picking", "duties": "采摘苹果并装箱", "requirements": "无",
		"headcount": people, "period": period, "hours_per_day": 8, "pay": body{"amount_fen": 12000, "unit": "day"},
		"site":       body{"place": county, "detail": "第三果园"},
		"conditions": body{"meals": "employer", "lodging": "none", "transport": "team"},
		"deadline":   from.Start(),
	}
}

// teamBody gives a good team.
func teamBody(owner string, period body, people int) body {
	return body{
		"owner": owner, "name": "采摘一队", "trades": []string{"apple-picking"}, "headcount": people, "smallest_group": 1,
		"free": []body{period}, "base": body{"place": county}, "radius_km": 40, "lowest_pay_fen": 8000,
	}
}

// without gives a body's copy that lacks a field: what makes a document has the
// owner in it, what changes one has not.
func without(b body, field string) body {
	c := body{}
	for k, v := range b {
		if k != field {
			c[k] = v
		}
	}
	return c
}

// set gives a body's copy with another value at a path such as "free[0].from".
// drop in place of a value leaves the field out.
func set(b body, path string, value any) body {
	raw, err := json.Marshal(b)
	if err != nil {
		panic(err) // a defect of the table
	}
	out := decoded(string(raw))
	var at any = out
	parts := parts(path)
	for i, part := range parts {
		last := i == len(parts)-1
		switch in := at.(type) {
		case body:
			switch {
			case last && value == drop:
				delete(in, part)
			case last:
				in[part] = value
			case in[part] == nil: // a new object is made
				in[part] = body{}
			}
			at = in[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil {
				panic(err)
			}
			if last {
				in[n] = value
			}
			at = in[n]
		}
	}
	return out
}

// parts takes a path apart: "free[0].from" is free, 0, from.
func parts(path string) []string {
	return strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(path), ".")
}

// drop leaves a field out; see set.
const drop = "\x00drop"

// decoded gives a JSON object.
func decoded(s string) body {
	var b body
	if err := json.Unmarshal([]byte(s), &b); err != nil {
		panic(fmt.Sprintf("%v: %s", err, s))
	}
	return b
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
