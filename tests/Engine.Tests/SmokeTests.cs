using Matih.Batches;

namespace Matih.Engine.Tests;

public sealed class SmokeTests
{
    [Fact]
    public void A_type_prints_as_flink_prints_it() => Assert.Equal("DECIMAL(10, 2) NOT NULL", new DataType.Decimal(10, 2).NotNull().ToString());
}
