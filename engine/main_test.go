package engine_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/leaktest"
)

// TestMain wants no goroutine and no descriptor to be left when all tests have
// ended.
func TestMain(m *testing.M) { leaktest.Main(m) }
