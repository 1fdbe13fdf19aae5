metadata description = 'Alerts on what the Functions app measures, for each pipeline and table.'

import { alertLimits } from '../types.bicep'

param namePrefix string
param location string
param tags object
param insightsId string
param limits alertLimits

@description('Action groups that are told.')
param actionGroupIds string[]

// Names as the engine's meter has them, and the keys of what a measurement belongs to.
var telemetry = {
  lag: 'matih.lag.records'
  commitAge: 'matih.commit.age'
  failures: 'matih.failures'
  pipeline: 'pipeline'
  sink: 'sink'
}

var flow = '| extend pipeline = tostring(customDimensions["${telemetry.pipeline}"]), sink = tostring(customDimensions["${telemetry.sink}"])'

var rules = {
  lag: {
    title: 'Matih: records wait to be committed'
    advice: 'More than ${limits.lagRecords} records of a topic are not in the table, over 15 minutes. Look at the failures of the pipeline, then at the scale of the app.'
    severity: 2
    query: join(
      [
        'customMetrics'
        '| where name == "${telemetry.lag}"'
        flow
        // Who commits counts all partitions, who reads its own: the largest is the topic's.
        '| summarize measured = max(value) by pipeline, sink, bin(timestamp, 5m)'
      ],
      '\n'
    )
    aggregation: 'Maximum'
    threshold: limits.lagRecords
    window: 'PT5M'
    lookCount: 3
  }
  commits: {
    title: 'Matih: no commit while records wait'
    advice: 'Records wait, and nothing was committed for more than ${limits.commitAgeSeconds} seconds. Look at the failures of the pipeline and at the instance of its orchestration.'
    severity: 1
    query: join(
      [
        'customMetrics'
        '| where name in ("${telemetry.commitAge}", "${telemetry.lag}")'
        flow
        '| summarize measured = minif(value, name == "${telemetry.commitAge}"), waiting = maxif(value, name == "${telemetry.lag}") by pipeline, sink, bin(timestamp, 5m)'
        // A commit that is old because nothing came is well.
        '| where waiting > 0'
      ],
      '\n'
    )
    aggregation: 'Minimum'
    threshold: limits.commitAgeSeconds
    window: 'PT5M'
    lookCount: 1
  }
  failures: {
    title: 'Matih: a pipeline fails'
    advice: 'A pipeline failed more than ${limits.failures} times within 15 minutes. The log names the kind, the cause and what to do.'
    severity: 2
    query: join(
      [
        'customMetrics'
        '| where name == "${telemetry.failures}"'
        flow
        '| project timestamp, pipeline, sink, measured = valueSum'
      ],
      '\n'
    )
    aggregation: 'Total'
    threshold: limits.failures
    window: 'PT15M'
    lookCount: 1
  }
}

resource flowAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in items(rules): {
    name: '${namePrefix}-${rule.key}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.value.title
      description: rule.value.advice
      severity: rule.value.severity
      enabled: true
      autoMitigate: true
      scopes: [insightsId]
      evaluationFrequency: 'PT5M'
      windowSize: rule.value.window
      criteria: {
        allOf: [
          {
            query: rule.value.query
            metricMeasureColumn: 'measured'
            timeAggregation: rule.value.aggregation
            operator: 'GreaterThan'
            threshold: rule.value.threshold
            dimensions: [
              for name in ['pipeline', 'sink']: {
                name: name
                operator: 'Include'
                values: ['*']
              }
            ]
            failingPeriods: {
              numberOfEvaluationPeriods: rule.value.lookCount
              minFailingPeriodsToAlert: rule.value.lookCount
            }
          }
        ]
      }
      actions: { actionGroups: actionGroupIds }
    }
  }
]

// An app that does not start measures nothing. Its timer should leave a request every few minutes.
resource silence 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: '${namePrefix}-silence'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Matih: the app is silent'
    description: 'No function ran for ${limits.silenceMinutes} minutes, the watching timer not even. Look at the log stream of the app: a wrong setting, a role or a package that is missing.'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [insightsId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT${limits.silenceMinutes}M'
    criteria: {
      allOf: [
        {
          query: 'requests'
          timeAggregation: 'Count'
          operator: 'LessThan'
          threshold: 1
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: { actionGroups: actionGroupIds }
  }
}
