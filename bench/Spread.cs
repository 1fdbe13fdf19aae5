namespace Matih.Bench;

/// <summary>Figures of several rounds, in order.</summary>
public sealed class Spread(IEnumerable<double> figures)
{
    private readonly double[] _sorted = [.. figures.Order()];

    public int Count => _sorted.Length;

    public double Median => Quantile(0.5);

    public double Least => _sorted[0];

    public double Greatest => _sorted[^1];

    /// <summary>Between two figures the line between them counts.</summary>
    public double Quantile(double q)
    {
        var at = q * (_sorted.Length - 1);
        var below = (int)at;
        return below + 1 == _sorted.Length ? _sorted[below] : _sorted[below] + (at - below) * (_sorted[below + 1] - _sorted[below]);
    }
}
