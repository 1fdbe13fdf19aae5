namespace Matih.Batches;

/// <summary>
/// Values of <see cref="DataType.HasNanoseconds"/> types: nanoseconds since 1970-01-01T00:00:00 in 64 bits, from
/// 1677-09-21 00:12:43.145224193 to 2262-04-11 23:47:16.854775806. The two outermost numbers of 64 bits are no values, so that a
/// time beyond can be compared as one of them.
/// </summary>
/// <remarks>The same unit as Iceberg's timestamp_ns (table spec, "Primitive Types") and Parquet's NANOS.</remarks>
internal static class Nanoseconds
{
    public const int PerMicro = 1000;

    /// <summary>What to say of a time that is no value.</summary>
    public const string Range = "1677-09-21 to 2262-04-11";

    /// <summary>The microsecond that it lies in.</summary>
    /// <param name="below">Nanoseconds after it, 0 to 999.</param>
    public static long ToMicros(long nanos, out int below)
    {
        var micros = Math.DivRem(nanos, PerMicro, out var rest);
        if (rest < 0)
        {
            micros--;
            rest += PerMicro;
        }
        below = (int)rest;
        return micros;
    }

    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    /// <returns>False where the time is no value.</returns>
    public static bool TryFromMicros(long micros, int below, out long nanos)
    {
        var wide = (Int128)micros * PerMicro + below;
        nanos = unchecked((long)wide);
        return wide > long.MinValue && wide < long.MaxValue;
    }

    /// <summary>For comparing: the time, or beyond the values the outermost number on its side.</summary>
    public static long Saturate(long micros) => (long)Int128.Clamp((Int128)micros * PerMicro, long.MinValue, long.MaxValue);
}
