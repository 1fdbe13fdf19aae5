using System.Globalization;
using System.Text;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Planning;

namespace Matih.Delivery.Staging;

/// <summary>
/// Everything that two readers must agree on before one's rows may stand for the other's: a staged range counts only under
/// the key that it was made for, and nobody looks at the others. docs/delivery.md, "The key of a staged range".
/// </summary>
internal sealed record StagingKey(
    FlowName Flow, string TableUuid, string Topic, string? ClusterId, string? TopicId, string IsolationLevel,
    long Generation, string DefinitionHash, string Shape)
{
    public static StagingKey Of(FlowPlan plan, OpenedFlow opened) => new(
        plan.Name, opened.Ledger.TableUuid, plan.Topic, opened.Source.ClusterId, opened.Source.TopicId, plan.IsolationLevel,
        opened.Ledger.Generation, plan.DefinitionHash, opened.Binding.Shape);

    /// <summary>The key in full, one line to a member.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture,
        $"{Flow}\n{TableUuid}\n{Topic}\n{ClusterId}\n{TopicId}\n{IsolationLevel}\n{Generation}\n{DefinitionHash}\n{Shape}");

    /// <summary>The folder of its ranges: the generation, for people, and a hash of the whole key.</summary>
    public string FolderName => string.Create(CultureInfo.InvariantCulture, $"g{Generation}-{LedgerFormat.Sha256(Encoding.UTF8.GetBytes(Text)).AsSpan(0, 16)}");
}
