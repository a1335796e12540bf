package market

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTrades(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	// Words of a requirement that would shut people out for what they are.
	barred := regexp.MustCompile(`男|女|岁|年龄|已婚|未婚|户籍|本地|民族|身高|学历`)
	names := map[string]bool{}
	var categories []string
	for _, trade := range Trades() {
		if !kebab.MatchString(trade.Code) || !kebab.MatchString(trade.Category) {
			t.Errorf("%s in %s: a code is not kebab-case", trade.Code, trade.Category)
		}
		if trade.Name == "" || trade.English == "" || trade.CategoryName == "" || names[trade.Name] || names[trade.English] {
			t.Errorf("%s: a name is missing or stands twice: %+v", trade.Code, trade)
		}
		names[trade.Name], names[trade.English] = true, true
		if len(trade.Requirements) == 0 || slices.Contains(trade.Requirements, "") {
			t.Errorf("%s: a requirement is missing", trade.Code)
		}
		if barred.MatchString(strings.Join(trade.Requirements, " ")) {
			t.Errorf("%s shuts people out: %q", trade.Code, trade.Requirements)
		}
		if !slices.Contains([]PayUnit{"hour", "day", "piece", "lump_sum"}, trade.PayUnit) {
			t.Errorf("%s: pay unit %q", trade.Code, trade.PayUnit)
		}
		// In fen: between 100 and 1,000 yuan a day, and a range.
		if trade.ExampleDayLowFen < 100_00 || trade.ExampleDayHighFen <= trade.ExampleDayLowFen || 1000_00 < trade.ExampleDayHighFen {
			t.Errorf("%s: %d to %d fen a day", trade.Code, trade.ExampleDayLowFen, trade.ExampleDayHighFen)
		}
		if got, ok := TradeByCode(trade.Code); !ok || !reflect.DeepEqual(got, trade) {
			t.Errorf("TradeByCode(%s) = %+v, %v", trade.Code, got, ok)
		}
		categories = append(categories, trade.Category+" "+trade.CategoryName)
	}
	if len(categories) < 60 {
		t.Errorf("%d trades, want sixty or more", len(categories))
	}
	categories = slices.Compact(categories)
	if slices.Sort(categories); len(slices.Compact(slices.Clone(categories))) != len(categories) {
		t.Errorf("the trades of a category do not stand together: %q", categories)
	}
	if trade, ok := TradeByCode("no-such-trade"); ok {
		t.Errorf("TradeByCode found %+v", trade)
	}
}

func TestTradesCannotBeChangedByCallers(t *testing.T) {
	Trades()[0].Requirements[0] = "changed"
	first, _ := TradeByCode(Trades()[0].Code)
	first.Requirements[0] = "changed"
	if again, _ := TradeByCode(first.Code); again.Requirements[0] == "changed" || Trades()[0].Requirements[0] == "changed" {
		t.Error("a caller changed the shared list")
	}
}

func TestTradesSayThatPayIsMadeUp(t *testing.T) {
	var head struct{ Note string }
	if err := json.Unmarshal(tradesJSON, &head); err != nil || !strings.Contains(head.Note, "made-up") {
		t.Errorf("the note is %q, %v", head.Note, err)
	}
}

func TestParseTradesRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"no JSON":      `{`,
		"nothing":      `{"trades":[]}`,
		"no code":      `{"trades":[{"name":"保洁"}]}`,
		"a code twice": `{"trades":[{"code":"cleaning"},{"code":"cleaning"}]}`,
	} {
		if got, err := parseTrades([]byte(data)); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
