package market

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawPost(t *rapid.T) JobPost {
	p := goodPost()
	p.Headcount = rapid.IntRange(1, 1000).Draw(t, "headcount")
	p.Pay = Pay{Fen(rapid.Int64Range(1, 100_000_000).Draw(t, "pay")), rapid.SampledFrom([]PayUnit{PerHour, PerDay, PerItem, LumpSum}).Draw(t, "unit")}
	p.HoursPerDay = float64(rapid.IntRange(1, 24).Draw(t, "half hours")) / 2
	p.Duties = strings.Repeat("摘", rapid.IntRange(5, 2000).Draw(t, "duties"))
	return p
}

// TestOpeningTermsAreTerms: what a post itself proposes can be proposed, and is the
// same after a way through the store.
func TestOpeningTermsAreTerms(t *testing.T) {
	prove(t, func(t *rapid.T) {
		post := drawPost(t)
		if err := post.Validate(morning); err != nil {
			t.Fatal(err)
		}
		terms := post.Terms(rapid.IntRange(1, post.Headcount).Draw(t, "people"))
		if err := terms.Validate("terms"); err != nil {
			t.Fatal(err)
		}
		hash, err := terms.Hash()
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(terms)
		if err != nil {
			t.Fatal(err)
		}
		var back Terms
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if again, err := back.Hash(); err != nil || again != hash {
			t.Fatalf("the hash of the terms is %s before, and %s after the store", hash, again)
		}
		back.People++
		if other, err := back.Hash(); err != nil || other == hash {
			t.Fatal("other terms have the same hash")
		}
	})
}

// TestLumpSumIsShared: of teams that share a job with one sum, each is offered its
// share: together no more than the sum, and less by less than a fen a team.
func TestLumpSumIsShared(t *testing.T) {
	prove(t, func(t *rapid.T) {
		post := drawPost(t)
		post.Pay.Unit = LumpSum
		post.Pay.Amount = max(post.Pay.Amount, Fen(post.Headcount))
		var sum Fen
		teams := 0
		for left := post.Headcount; left > 0; teams++ {
			n := rapid.IntRange(1, left).Draw(t, "people")
			sum += post.Terms(n).Pay.Amount
			left -= n
		}
		if sum > post.Pay.Amount || sum <= post.Pay.Amount-Fen(teams) {
			t.Fatalf("%d teams are offered %s of %s", teams, sum, post.Pay.Amount)
		}
		if whole := post.Terms(post.Headcount).Pay; whole != post.Pay {
			t.Fatalf("one team for all is offered %s of %s", whole.Amount, post.Pay.Amount)
		}
	})
}

// TestDailyPay compares with exact arithmetic.
func TestDailyPay(t *testing.T) {
	for _, c := range []struct {
		pay          Pay
		hours        float64
		people, days int
		want         Fen
		known        bool
	}{
		{Pay{15_000, PerDay}, 8, 10, 5, 15_000, true},
		{Pay{1_999, PerHour}, 7.5, 10, 5, 14_992, true}, // 14992.5: never more than it is
		{Pay{1_999, PerHour}, 8, 10, 5, 15_992, true},
		{Pay{100_000_000, PerHour}, 12, 1, 1, 1_200_000_000, true},
		{Pay{100_000, LumpSum}, 8, 3, 1, 33_333, true},
		{Pay{100_000, LumpSum}, 8, 0, 0, 100_000, true},
		{Pay{50, PerItem}, 8, 10, 5, 0, false},
		{Pay{50, "other"}, 8, 10, 5, 0, false},
	} {
		if got, known := c.pay.Daily(c.hours, c.people, c.days); got != c.want || known != c.known {
			t.Errorf("%+v for %v hours: %d %v, want %d %v", c.pay, c.hours, got, known, c.want, c.known)
		}
	}
	for f, want := range map[Fen]string{0: "0.00", 5: "0.05", 15_000: "150.00", -123: "-1.23"} {
		if f.String() != want {
			t.Errorf("%d fen are %s", int64(f), f)
		}
	}
}
