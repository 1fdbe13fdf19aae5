using Matih.Batches;

namespace Matih.Delivery.Tables;

/// <summary>A column of the table that the query does not give, and which has a default: every row gets the same value.</summary>
/// <param name="Field">The column as a batch holds it.</param>
/// <param name="Append">Appends the value, which may be NULL, to a column of the field's type.</param>
internal sealed record SuppliedColumn(Field Field, Action<Column> Append);
