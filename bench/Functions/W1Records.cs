using Matih.Fixtures;

namespace Matih.Bench.Functions;

/// <summary>The records of W1, one after the other, from the beginning again behind the last.</summary>
internal sealed class W1Records
{
    private const int Count = 10_000;

    private readonly byte[][] _records = Read();

    public byte[] At(int number) => _records[number % Count];

    private static byte[][] Read()
    {
        var folder = TemporaryDirectory.NewUnowned();
        try
        {
            var file = Path.Combine(folder, "w1.ndjson");
            new ClickEvents(ClickEvents.DefaultSeed).WriteTo(file, Count);
            return [.. File.ReadLines(file).Select(System.Text.Encoding.UTF8.GetBytes)];
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }
}
